"""Documents come in four shapes and leave as one; files that are kept elsewhere are refused."""

from typing import Any

import msgspec
import pytest
from tests.support.pictures import PDF, data_url

from cwproxy.conversation import Document, Text
from cwproxy.dialects.openai_chat.files import document
from cwproxy.dialects.openai_chat.schema import Part
from cwproxy.errors import InvalidRequest

REPORT = Document("pdf", "report.pdf", PDF)
URL = data_url(PDF, "application/pdf")


def read(part: dict[str, Any]) -> Document | Text:
    return document(msgspec.convert(part, Part), "messages[0].content[0]")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "file", "file": {"filename": "report.pdf", "file_data": URL}}, REPORT),
        ({"type": "file", "file": {"filename": "report.pdf", "file_data": PDF}}, REPORT),
        ({"type": "file", "file": {"file_data": URL}}, Document("pdf", "", PDF)),
        ({"type": "input_file", "filename": "report.pdf", "file_data": URL}, REPORT),
        (
            {
                "type": "document",
                "title": "report.pdf",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            },
            REPORT,
        ),
        ({"type": "document", "source": {"type": "base64", "data": PDF}}, Document("pdf", "", PDF)),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}}, Text("hi")),
    ],
)
def test_every_shape_is_read(part: dict[str, Any], expected: Document | Text) -> None:
    assert read(part) == expected


@pytest.mark.parametrize(
    ("part", "param", "code"),
    [
        ({"type": "file", "file": {"file_id": "file-1"}}, ".file.file_id", "unsupported_file"),
        ({"type": "input_file", "file_id": "file-1"}, ".file_id", "unsupported_file"),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, ".file_url", "unsupported_file"),
        ({"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}}, ".source", "unsupported_file"),
        ({"type": "file"}, ".file_data", "missing_required_parameter"),
        ({"type": "file", "file": {}}, ".file.file_data", "missing_required_parameter"),
        ({"type": "file", "file": {"file_data": "data:text/plain,hi"}}, ".file.file_data", "invalid_file"),
        ({"type": "file", "file": {"file_data": "%%%"}}, ".file.file_data", "invalid_base64"),
        ({"type": "file", "file": {"file_data": data_url("AAAA")}}, ".file.file_data", "unsupported_document"),
    ],
)
def test_what_cannot_be_read_is_refused(part: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(part)
    assert (caught.value.param, caught.value.code) == (f"messages[0].content[0]{param}", code)
