"""Frame -> bytes. The simulator speaks with it; the proxy only listens."""

from collections.abc import Mapping
from struct import Struct
from zlib import crc32

from cwproxy.eventstream.frame import (
    MAX_FRAME_LENGTH,
    MAX_HEADERS_LENGTH,
    MIN_FRAME_LENGTH,
    HeaderValue,
)
from cwproxy.eventstream.headers import write

_LENGTHS = Struct(">II")
_UINT32 = Struct(">I")


def encode(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """The bytes of one frame, headers in the mapping's order (protocol.md 3.1).

    Raises ValueError for what no decoder would take: a name, value, headers block or frame beyond its limit.
    """
    try:
        block = write(headers)
    except ValueError as error:
        raise ValueError(f"a frame cannot be encoded: it {error}") from error
    total = MIN_FRAME_LENGTH + len(block) + len(payload)
    if len(block) > MAX_HEADERS_LENGTH or total > MAX_FRAME_LENGTH:
        raise ValueError(
            f"a frame cannot be encoded: it would have {len(block)} bytes of headers and {total} in all; "
            f"{MAX_HEADERS_LENGTH} and {MAX_FRAME_LENGTH} are the most"
        )
    lengths = _LENGTHS.pack(total, len(block))
    checked = b"".join((lengths, _UINT32.pack(crc32(lengths)), block, payload))
    return checked + _UINT32.pack(crc32(checked))
