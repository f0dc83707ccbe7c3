"""Frames as bytes: the hand-written table, and the limits."""

import pytest
from tests.support.frames import CASES, Case

from cwproxy.eventstream import Decoder, HeaderValue, encode
from cwproxy.eventstream.frame import MAX_FRAME_LENGTH, MAX_HEADERS_LENGTH


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_table(case: Case) -> None:
    assert encode(case.headers, case.payload) == case.octets


def test_the_prelude_of_a_recorded_frame() -> None:
    """The first frame of a recorded answer: 157 bytes, 90 of them headers (protocol.md 3.1)."""
    headers = {":message-type": "event", ":event-type": "messageMetadataEvent", ":content-type": "application/json"}
    octets = encode(headers, bytes(51))
    assert octets[:12].hex(" ", 4) == "0000009d 0000005a c70a8422"


def test_headers_that_cannot_be_written_are_refused() -> None:
    with pytest.raises(ValueError, match="a frame cannot be encoded: it has headers in which the value of 'a' has"):
        encode({"a": "x" * 65_536}, b"")


def test_headers_beyond_the_limit_are_refused() -> None:
    filler = MAX_HEADERS_LENGTH - 2 * (2 + 1 + 2)
    fits: dict[str, HeaderValue] = {"a": b"x" * 65_535, "b": b"x" * (filler - 65_535)}
    assert len(list(Decoder().feed(encode(fits, b"")))) == 1
    with pytest.raises(ValueError, match=f"{MAX_HEADERS_LENGTH + 3} bytes of headers"):
        encode({**fits, "c": True}, b"")


def test_frames_beyond_the_limit_are_refused() -> None:
    assert len(encode({}, bytes(MAX_FRAME_LENGTH - 16))) == MAX_FRAME_LENGTH
    with pytest.raises(ValueError, match=f"{MAX_FRAME_LENGTH + 1} in all"):
        encode({}, bytes(MAX_FRAME_LENGTH - 15))
