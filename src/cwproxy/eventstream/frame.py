"""What a frame of `application/vnd.amazon.eventstream` is, once its bytes are trusted (protocol.md 3.1).

A frame has headers (unique names, one of ten types of value) and a payload of bytes. Types 0 and 1 are Python's
`bool`, 6 is `bytes`, 7 is `str`; the integer types keep their width, the time and the UUID their meaning, so that
decoding and encoding are each other's inverse. The values check themselves: one that has no bytes cannot be made.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

PRELUDE_LENGTH: Final = 12
"""Bytes of the total length, the length of the headers, and the CRC-32 of these two."""

CRC_LENGTH: Final = 4

MIN_FRAME_LENGTH: Final = PRELUDE_LENGTH + CRC_LENGTH

MAX_FRAME_LENGTH: Final = 24 * 1024 * 1024
"""Bytes. The largest payload that botocore takes; here the whole frame must fit (reliability.md 1.8)."""

MAX_HEADERS_LENGTH: Final = 128 * 1024
"""Bytes. The same as botocore's (protocol.md 3.1)."""


def _require_bits(value: int, bits: int) -> None:
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(f"{value} does not fit into a signed integer of {bits} bits")


class Int8(msgspec.Struct, frozen=True):
    """Header type 2, -128 to 127. Raises ValueError for anything else, as the wider ones do."""

    value: int

    def __post_init__(self) -> None:
        _require_bits(self.value, 8)


class Int16(msgspec.Struct, frozen=True):
    """Header type 3."""

    value: int

    def __post_init__(self) -> None:
        _require_bits(self.value, 16)


class Int32(msgspec.Struct, frozen=True):
    """Header type 4."""

    value: int

    def __post_init__(self) -> None:
        _require_bits(self.value, 32)


class Int64(msgspec.Struct, frozen=True):
    """Header type 5."""

    value: int

    def __post_init__(self) -> None:
        _require_bits(self.value, 64)


class Timestamp(msgspec.Struct, frozen=True):
    """Header type 8: milliseconds since 1970-01-01 UTC, 64 bits, may be negative."""

    milliseconds: int

    def __post_init__(self) -> None:
        _require_bits(self.milliseconds, 64)


class Uuid(msgspec.Struct, frozen=True):
    """Header type 9: the sixteen bytes of a UUID in network order."""

    octets: bytes

    def __post_init__(self) -> None:
        if len(self.octets) != 16:
            raise ValueError(f"a UUID has 16 bytes, not {len(self.octets)}")


HeaderValue: TypeAlias = bool | Int8 | Int16 | Int32 | Int64 | bytes | str | Timestamp | Uuid


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message. `headers` is read-only and shared between frames whose header bytes are equal."""

    headers: Mapping[str, HeaderValue]
    payload: bytes
