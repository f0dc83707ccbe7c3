import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import rasters

from cwproxy.conversation import Image, ImageFormat
from cwproxy.errors import InvalidRequest
from cwproxy.media import payload
from cwproxy.media.pictures import picture, pixels

SIZED: list[tuple[ImageFormat, bytes]] = [
    ("png", rasters.png(640, 2001)),
    ("gif", rasters.gif(640, 2001)),
    ("jpeg", rasters.jpeg(640, 2001)),
    ("webp", rasters.webp(b"VP8 ", 640, 2001)),
    ("webp", rasters.webp(b"VP8L", 640, 2001)),
    ("webp", rasters.webp(b"VP8X", 640, 2001)),
]


@pytest.mark.parametrize(("format", "content"), SIZED)
def test_format_and_size_are_read_from_the_bytes(format: ImageFormat, content: bytes) -> None:
    made = payload.of(content, mime="image/x-lie")
    assert picture(made, "p") == Image(format, made.data, (640, 2001))


@pytest.mark.parametrize(("format", "content"), SIZED)
def test_a_cut_header_tells_no_size(format: ImageFormat, content: bytes) -> None:
    assert pixels(format, content[:9]) == (0, 0)


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("jpeg", b"\xff\xd8\x00\x00\x00\x10" + bytes(30)),
        ("jpeg", b"\xff\xd8\xff\xe0\x00\x00" + bytes(30)),
        ("webp", b"RIFF\x24\x00\x00\x00WEBPVP9 " + bytes(30)),
    ],
)
def test_a_strange_header_tells_no_size(format: ImageFormat, content: bytes) -> None:
    assert pixels(format, content) == (0, 0)


@given(st.sampled_from(["png", "gif", "jpeg", "webp"]), st.binary(max_size=60))
def test_any_bytes_have_a_size_or_none(format: ImageFormat, content: bytes) -> None:
    width, height = pixels(format, content)
    assert width >= 0 and height >= 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml, which the model cannot read; draw it as a PNG"),
        (b"\n<?xml version='1.0'?>\n<!-- a drawing --><SVG/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><note/>", "no picture"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"BM" + bytes(30), "image/bmp, which the model cannot read; send PNG, JPEG, GIF or WebP"),
        (b"", "no picture"),
    ],
)
def test_other_things_are_refused_with_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        picture(payload.of(content), "messages[0].content[0].image_url.url")
    assert words in caught.value.message
    assert (caught.value.param, caught.value.code) == ("messages[0].content[0].image_url.url", "unsupported_image")
