"""The headers block of a frame: bytes <-> mapping (protocol.md 3.1).

A header is one byte of name length, the name in UTF-8, one byte of type, and the value. All integers are big-endian
and signed but for lengths. Both directions raise ValueError with the second half of a sentence ("holds the header
'x' twice"); whoever knows which frame it is puts the first half in front.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import assert_never

from cwproxy.eventstream.frame import HeaderValue, Int8, Int16, Int32, Int64, Timestamp, Uuid

_UINT8_MAX = 0xFF
_UINT16_MAX = 0xFFFF


class _Block:
    """A headers block and how much of it has been read."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._octets)

    def take(self, count: int, what: str) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise ValueError(f"has headers of {len(self._octets)} bytes, and {what} would end at byte {end}")
        taken = self._octets[self._at : end]
        self._at = end
        return taken

    def integer(self, size: int, what: str, *, signed: bool = True) -> int:
        return int.from_bytes(self.take(size, what), "big", signed=signed)

    def text(self, count: int, what: str) -> str:
        try:
            return self.take(count, what).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"has headers in which {what} is not UTF-8 ({error.reason})") from error


def parse(octets: bytes) -> Mapping[str, HeaderValue]:
    """The headers of a block, read-only. Raises ValueError (see above) unless the block is sound to its last byte."""
    block = _Block(octets)
    headers: dict[str, HeaderValue] = {}
    while block:
        name = block.text(block.integer(1, "the length of a name", signed=False), "a name")
        if name in headers:
            raise ValueError(f"holds the header {name!r} twice")
        headers[name] = _parse_value(block, name)
    return MappingProxyType(headers)


# The service repeats a handful of blocks thousands of times (performance.md 2). Sharing the result between streams
# is safe because it is read-only, all the way down.
parse_cached = lru_cache(maxsize=64)(parse)


def _parse_value(block: _Block, name: str) -> HeaderValue:
    what = f"the value of {name!r}"
    kind = block.integer(1, f"the type of {name!r}", signed=False)
    match kind:
        case 0 | 1:
            return kind == 0
        case 2:
            return Int8(block.integer(1, what))
        case 3:
            return Int16(block.integer(2, what))
        case 4:
            return Int32(block.integer(4, what))
        case 5:
            return Int64(block.integer(8, what))
        case 6:
            return block.take(block.integer(2, what, signed=False), what)
        case 7:
            return block.text(block.integer(2, what, signed=False), what)
        case 8:
            return Timestamp(block.integer(8, what))
        case 9:
            return Uuid(block.take(16, what))
        case _:
            raise ValueError(f"holds the header {name!r} of the unknown type {kind}")


def write(headers: Mapping[str, HeaderValue]) -> bytes:
    """The block of these headers, in their order. Raises ValueError (see above) for what does not fit its length."""
    return b"".join(
        _with_length(name.encode(), 1, _UINT8_MAX, f"the name {name!r}") + _write_value(value, name)
        for name, value in headers.items()
    )


def _write_value(value: HeaderValue, name: str) -> bytes:
    what = f"the value of {name!r}"
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case Int8(number):
            return b"\x02" + number.to_bytes(1, "big", signed=True)
        case Int16(number):
            return b"\x03" + number.to_bytes(2, "big", signed=True)
        case Int32(number):
            return b"\x04" + number.to_bytes(4, "big", signed=True)
        case Int64(number):
            return b"\x05" + number.to_bytes(8, "big", signed=True)
        case bytes():
            return b"\x06" + _with_length(value, 2, _UINT16_MAX, what)
        case str():
            return b"\x07" + _with_length(value.encode(), 2, _UINT16_MAX, what)
        case Timestamp(milliseconds):
            return b"\x08" + milliseconds.to_bytes(8, "big", signed=True)
        case Uuid(octets):
            return b"\x09" + octets
        case _:
            assert_never(value)


def _with_length(octets: bytes, size: int, limit: int, what: str) -> bytes:
    if len(octets) > limit:
        raise ValueError(f"has headers in which {what} has {len(octets)} bytes; {limit} is the most")
    return len(octets).to_bytes(size, "big") + octets
