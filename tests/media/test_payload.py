import pytest
from tests.support.pictures import JPEG, data_url

from cwproxy.errors import InvalidRequest
from cwproxy.media import payload


def test_the_claimed_type_is_kept_in_lower_case() -> None:
    assert payload.from_data_url(data_url("aGk=", "Text/Plain;charset=utf-8"), "p", code="c") == payload.Payload(
        b"hi", "aGk=", "text/plain"
    )


def test_bytes_become_standard_base64() -> None:
    assert payload.of(b"\xff\xfe", mime="x/y") == payload.Payload(b"\xff\xfe", "//4=", "x/y")


@pytest.mark.parametrize(
    "text",
    [
        "\r\n".join(JPEG[start : start + 8] for start in range(0, len(JPEG), 8)),
        JPEG.rstrip("="),
        JPEG.replace("+", "-").replace("/", "_"),
    ],
    ids=["wrapped", "unpadded", "url-safe"],
)
def test_base64_is_made_standard(text: str) -> None:
    assert payload.from_base64(text, "p").data == JPEG


@pytest.mark.parametrize("url", ["data:image/png;base64", "data:image/png,abc", "https://a/b;base64,aGk="])
def test_only_base64_data_urls_are_read(url: str) -> None:
    with pytest.raises(InvalidRequest, match="must be a base64 data: URL") as caught:
        payload.from_data_url(url, "p", code="c")
    assert (caught.value.param, caught.value.code) == ("p", "c")


@pytest.mark.parametrize("text", ["a$$b", "abcde", "ä"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="valid base64"):
        payload.from_base64(text, "p")
