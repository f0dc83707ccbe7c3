"""Pictures in a request: data URLs only, named by what their bytes are (compatibility.md 3.2, reliability.md 2.4)."""

import binascii
from typing import Final

import filetype

from cwproxy.conversation import Image, ImageFormat
from cwproxy.errors import InvalidRequest

_FORMATS: Final[dict[str, ImageFormat]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def from_url(url: str, param: str) -> Image:
    """The picture in a `data:` URL. Raises InvalidRequest for any other URL: nothing is ever fetched."""
    head, comma, payload = url.partition(",")
    if not head[:5].lower() == "data:":
        raise InvalidRequest(
            f"`{param}` is not a data: URL. Remote pictures are not fetched; "
            "send the picture itself as data:image/png;base64,...",
            param=param,
            code="invalid_image_url",
        )
    if not comma or not head.lower().endswith(";base64"):
        raise InvalidRequest(
            f"`{param}` must be a base64 data: URL: data:image/png;base64,...", param=param, code="invalid_image_url"
        )
    return from_base64(payload, param)


def from_base64(payload: str, param: str) -> Image:
    """The picture in base64 text, which may be wrapped, unpadded or of the URL-safe alphabet."""
    data = "".join(payload.split()).translate(_STANDARD_ALPHABET).rstrip("=")
    data += "=" * (-len(data) % 4)
    try:
        content = binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(
            f"`{param}` does not hold valid base64: {error}.", param=param, code="invalid_base64_image"
        ) from error
    mime = filetype.guess_mime(content) or "no picture"
    known = _FORMATS.get(mime)
    if known is None:
        raise InvalidRequest(
            f"`{param}` holds {mime}, which the model cannot read; send PNG, JPEG, GIF or WebP.",
            param=param,
            code="unsupported_image",
        )
    return Image(known, data)
