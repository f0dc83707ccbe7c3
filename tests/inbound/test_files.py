"""Documents in OpenAI's form; what they may be is said in tests/media."""

import pytest

from cwproxy.errors import InvalidRequest
from cwproxy.inbound import files

PDF = "JVBERi0xLjQK"


@pytest.mark.parametrize("data", [PDF, f"data:application/pdf;base64,{PDF}"])
def test_a_document(data: str) -> None:
    found = files.document(data, None, "p", file_id="ignored", file_url=None)
    assert (found.format, found.name, found.data) == ("pdf", "", PDF)
    assert files.document(data, "a.pdf", "p", file_id=None, file_url=None).name == "a.pdf"


@pytest.mark.parametrize(
    ("file_id", "file_url", "param", "code"),
    [
        ("f", None, "p.file_id", "unsupported_file"),
        (None, "u", "p.file_url", "unsupported_file"),
        (None, None, "p.file_data", "missing_required_parameter"),
    ],
)
def test_what_is_not_here(file_id: str | None, file_url: str | None, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        files.document(None, None, "p", file_id=file_id, file_url=file_url)
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize("data", ["data:application/pdf,x", "not base64!"])
def test_what_cannot_be_read(data: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        files.document(data, None, "p", file_id=None, file_url=None)
    assert caught.value.param == "p.file_data"
