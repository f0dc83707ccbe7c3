"""Pictures are told by their bytes, links are kept for whoever may follow them, and the rest is refused."""

import pytest
from tests.support.pictures import GIF, JPEG, PDF, PNG, SVG, WEBP, data_url

from cwproxy.conversation import Image, RemoteImage
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import images


@pytest.mark.parametrize(
    ("data", "expected"),
    [(PNG, "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp")],
    ids=["png", "jpeg", "gif", "webp"],
)
@pytest.mark.parametrize("claimed", ["image/png", "image/jpg", "application/octet-stream", ""])
def test_the_bytes_decide_not_the_claim(data: str, expected: str, claimed: str) -> None:
    picture = images.from_url(data_url(data, claimed), "p")
    assert isinstance(picture, Image)
    assert (picture.format, picture.data) == (expected, data)


@pytest.mark.parametrize("form", ["wrapped", "unpadded", "url-safe"])
def test_base64_is_made_standard(form: str) -> None:
    text = {
        "wrapped": "\r\n".join(JPEG[start : start + 8] for start in range(0, len(JPEG), 8)),
        "unpadded": JPEG.rstrip("="),
        "url-safe": JPEG.replace("+", "-").replace("/", "_"),
    }[form]
    picture = images.from_base64(text, "p")
    assert (picture.format, picture.data) == ("jpeg", JPEG)


@pytest.mark.parametrize("url", ["https://example.com/cat.png", "HTTP://127.1/x"])
def test_links_are_not_followed_here(url: str) -> None:
    assert images.from_url(url, "p") == RemoteImage(url, "p")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/cat.png", "https:example", PNG, ""])
def test_other_urls_are_refused_with_the_way_out(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        images.from_url(url, "messages[2].content[0].image_url.url")
    assert caught.value.param == "messages[2].content[0].image_url.url"
    assert "data:image/png;base64," in caught.value.message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:image/png;base64", "must be a base64 data: URL"),
        ("data:image/png,abc", "must be a base64 data: URL"),
        ("data:image/png;base64,a$$b", "valid base64"),
        ("data:image/png;base64,abcde", "valid base64"),
        ("data:image/png;base64,", "holds no picture"),
        (data_url(SVG, "image/svg+xml"), "holds image/svg+xml, which the model cannot read; draw it as a PNG"),
        (data_url(PDF), "holds application/pdf"),
    ],
)
def test_what_is_no_picture_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        images.from_url(url, "p")
    assert words in caught.value.message
    assert caught.value.param == "p"
