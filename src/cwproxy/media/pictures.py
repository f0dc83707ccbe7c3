"""What picture some bytes are: the four formats that the backend reads, told by their magic (protocol.md 2.8).

What the client says they are does not count: `image/jpg`, `application/octet-stream` and plain lies are common.
"""

import re
import struct
from typing import Final, assert_never

from cwproxy.conversation import Image, ImageFormat
from cwproxy.errors import InvalidRequest
from cwproxy.media.payload import Payload

_FORMATS: Final[dict[str, ImageFormat]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_SVG = re.compile(rb"\s*(?:<\?xml|<!--|<!DOCTYPE svg|<svg)", re.IGNORECASE)
_UNKNOWN: Final = (0, 0)
_FRAMES: Final = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}
"""Markers of JPEG that are followed by height and width."""


def picture(payload: Payload, param: str) -> Image:
    """Raises InvalidRequest for what is no picture that the backend reads, and says what to do with it."""
    found = _kind(payload.content)
    known = _FORMATS.get(found)
    if known is None:
        advice = "draw it as a PNG and send that" if found == "image/svg+xml" else "send PNG, JPEG, GIF or WebP"
        raise InvalidRequest(
            f"`{param}` holds {found}, which the model cannot read; {advice}.", param=param, code="unsupported_image"
        )
    return Image(known, payload.data, pixels(known, payload.content))


def pixels(format: ImageFormat, content: bytes) -> tuple[int, int]:
    """Width and height, or zeros where the header is cut or strange."""
    try:
        match format:
            case "png":
                return struct.unpack_from(">II", content, 16)
            case "gif":
                return struct.unpack_from("<HH", content, 6)
            case "jpeg":
                return _jpeg(content)
            case "webp":
                return _webp(content)
            case _:
                assert_never(format)
    except struct.error:
        return _UNKNOWN


def _kind(content: bytes) -> str:
    if _SVG.match(content[:256]) and b"<svg" in content[:4096].lower():
        return "image/svg+xml"
    import filetype

    return filetype.guess_mime(content) or "no picture"


def _jpeg(content: bytes) -> tuple[int, int]:
    offset = 2
    while True:
        while content[offset + 1 : offset + 2] == b"\xff":  # markers may be preceded by any number of fill bytes
            offset += 1
        marker, length = struct.unpack_from(">HH", content, offset)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, offset + 5)
            return width, height
        if marker < 0xFF00 or length < 2:
            return _UNKNOWN
        offset += 2 + length


def _webp(content: bytes) -> tuple[int, int]:
    """Of the three kinds of first chunk: lossy, lossless, extended."""
    match content[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", content, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", content, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", content, 24)
            return (low_width | high_width << 16) + 1, (low_height | high_height << 16) + 1
        case _:
            return _UNKNOWN
