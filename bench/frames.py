"""What the fake backend streams: event frames as HTTP chunks, made before the clock runs.

Every piece of text is MARK and 19 digits (20 characters): MARK occurs nowhere else in an answer, neither in the
event stream nor in what a proxy makes of it, so that a load program counts pieces with one `bytes.count`.
In a paced stream the digits are CLOCK_MONOTONIC microseconds, taken when the frame is written.
"""

import json
import struct
from zlib import crc32

from cwproxy.eventstream import encode

MARK = b"^"
DIGITS = 19
_BLANK = b"0" * DIGITS


def event(kind: str, payload: dict[str, object]) -> bytes:
    """One event frame (protocol.md 3.1)."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode(headers, json.dumps(payload, separators=(",", ":")).encode())


def http_chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"

TRAILER = b"".join(
    http_chunk(frame)
    for frame in (
        event("metadataEvent", {"stopReason": "END_TURN"}),
        event("contextUsageEvent", {"contextUsagePercentage": 1.5}),
        event("meteringEvent", {"unit": "credit", "unitPlural": "credits", "usage": 0.0148}),
    )
)
"""The three frames that end a turn (protocol.md 3.3)."""

_TEXT_FRAME = event("assistantResponseEvent", {"content": (MARK + _BLANK).decode()})


def burst(frames: int) -> bytes:
    """A whole chunked body of `frames` pieces of text."""
    body = http_chunk(_TEXT_FRAME) * frames + TRAILER + LAST_CHUNK
    if body.count(MARK) != frames:
        raise ValueError("the mark occurs elsewhere in the frames")
    return body


class Stamper:
    """Writes the time into a text frame that was encoded once; only the CRC behind the stamp is computed anew."""

    def __init__(self) -> None:
        at = _TEXT_FRAME.index(_BLANK)
        self._size = b"%x\r\n" % len(_TEXT_FRAME)
        self._before = _TEXT_FRAME[:at]
        self._before_crc = crc32(self._before)
        self._after = _TEXT_FRAME[at + DIGITS : -4]

    def chunk(self, now_us: int) -> bytes:
        """A text frame that says `now_us`, as an HTTP chunk."""
        tail = b"%019d%b" % (now_us, self._after)
        return b"%b%b%b%b\r\n" % (self._size, self._before, tail, struct.pack("!I", crc32(tail, self._before_crc)))
