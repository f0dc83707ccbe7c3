"""Frames that no decoder should take, or that it should skip (reliability.md 3B 28-39).

Each is wrong in one place only: lengths and CRCs are those of what was written, unless they are what is wrong.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from zlib import crc32

from cwproxy.eventstream import encode
from cwproxy.simulator.frames import raw_event_frame

_PAYLOAD = b'{"content":"spoilt"}'
_LENGTHS = Struct(">II")
_UINT32 = Struct(">I")
_AROUND = 16
"""Bytes of a frame beside its headers and its payload."""

_PRELUDE = 12


def spoilt(kind: str, victim: bytes) -> bytes:
    """`victim`, a whole frame, spoilt; or one of our own in front of it, where nothing of it would be left."""
    return _WAYS[kind](victim)


def _flipped(frame: bytes, position: int) -> bytes:
    changed = bytearray(frame)
    changed[position] ^= 0xFF
    return bytes(changed)


def _headers(frame: bytes) -> bytes:
    """The headers block of a sound frame."""
    _, length = _LENGTHS.unpack_from(frame)
    return frame[_PRELUDE : _PRELUDE + length]


def _of_length(total: int, victim: bytes) -> bytes:
    headers = _headers(victim)
    return _frame(headers, victim[_PRELUDE + len(headers) : -4], total=total)


def _with_header(octets: bytes) -> bytes:
    """An event with something behind its headers, in their block."""
    return _frame(_headers(_event(_PAYLOAD)) + octets, _PAYLOAD)


def _with_headers_beyond_the_frame() -> bytes:
    headers = _headers(_event(_PAYLOAD))
    return _frame(headers, _PAYLOAD, headers_length=len(headers) + len(_PAYLOAD) + 1)


def _event(payload: bytes) -> bytes:
    return raw_event_frame("assistantResponseEvent", payload)


def _frame(headers: bytes, payload: bytes, *, total: int | None = None, headers_length: int | None = None) -> bytes:
    """A frame with both CRCs right, whatever lengths it declares."""
    lengths = _LENGTHS.pack(
        _AROUND + len(headers) + len(payload) if total is None else total,
        len(headers) if headers_length is None else headers_length,
    )
    checked = lengths + _UINT32.pack(crc32(lengths)) + headers + payload
    return checked + _UINT32.pack(crc32(checked))


_160_KIB = b"".join(b"\x02x%d\x06\x80\x00" % number + bytes(0x8000) for number in range(5))
_WAYS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {
        "bad-prelude-crc": lambda victim: _flipped(victim, 8),
        "bad-message-crc": lambda victim: _flipped(victim, -1),
        "oversize-frame": lambda victim: _of_length(0x7FFF_FFFF, victim),
        "undersize-frame": lambda victim: _of_length(8, victim),
        "long-headers": lambda _: _with_header(_160_KIB),
        "headers-beyond-frame": lambda _: _with_headers_beyond_the_frame(),
        "unknown-header-type": lambda _: _with_header(b"\x01x\x2a"),
        "duplicate-header": lambda _: _with_header(_headers(_event(_PAYLOAD))),
        "header-beyond-headers": lambda _: _with_header(b"\x01x\x07\xff\xffcut"),
        "bad-payload": lambda _: _event(b'{"content": "not closed'),
        "bad-utf8": lambda _: _event(b'{"content":"\xc3\x28"}'),
        "unknown-event": lambda _: raw_event_frame("somethingNewEvent", b'{"content": "ignore me", "depth": [1, 2]}'),
        "unknown-message-type": lambda _: encode(
            {":message-type": "surprise", ":event-type": "assistantResponseEvent"}, b"{}"
        ),
    }
)
KINDS = frozenset(_WAYS)
