"""Bytes that come as base64, bare or in a `data:` URL (reliability.md 2.4).

Clients wrap it, leave out the padding and use either alphabet; the backend wants the standard one with padding.
"""

import binascii
from base64 import b64encode

import msgspec

from cwproxy.errors import InvalidRequest

_STANDARD_ALPHABET = str.maketrans("-_", "+/")


class Payload(msgspec.Struct, frozen=True):
    """`data` is standard base64 of `content`; `mime` is what the client says they are, lower-case, or empty."""

    content: bytes
    data: str
    mime: str = ""


def is_data_url(text: str) -> bool:
    return text[:5].lower() == "data:"


def from_data_url(url: str, param: str, *, code: str) -> Payload:
    """Raises InvalidRequest with `code` for a URL that is not in base64, and as `from_base64` does."""
    head, comma, text = url.partition(",")
    if not comma or not is_data_url(head) or not head.lower().endswith(";base64"):
        raise InvalidRequest(f"`{param}` must be a base64 data: URL: data:image/png;base64,...", param=param, code=code)
    return from_base64(text, param, mime=head[5:].partition(";")[0].strip().lower())


def from_base64(text: str, param: str, *, mime: str = "") -> Payload:
    """Raises InvalidRequest for what is not base64 in any of its spellings."""
    data = "".join(text.split()).translate(_STANDARD_ALPHABET).rstrip("=")
    data += "=" * (-len(data) % 4)
    try:
        content = binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(
            f"`{param}` does not hold valid base64: {error}.", param=param, code="invalid_base64"
        ) from error
    return Payload(content, data, mime)


def of(content: bytes, *, mime: str = "") -> Payload:
    return Payload(content, b64encode(content).decode(), mime)
