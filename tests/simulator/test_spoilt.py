import pytest

from cwproxy.errors import FrameError
from cwproxy.eventstream import Decoder
from cwproxy.simulator.frames import event_frame
from cwproxy.simulator.spoilt import KINDS, spoilt

FRAME = event_frame("assistantResponseEvent", {"content": "hello"})

COMPLAINTS = {
    "bad-prelude-crc": "has a prelude with the CRC",
    "bad-message-crc": "has a message CRC that does not fit",
    "oversize-frame": "declares 2147483647 bytes in all; 25165824 is the most",
    "undersize-frame": "declares 8 bytes in all",
    "long-headers": r"declares 16\d{4} bytes of headers; 131072 is the most",
    "headers-beyond-frame": "with its headers it has at least",
    "unknown-header-type": "of the unknown type 42",
    "duplicate-header": "holds the header ':event-type' twice",
    "header-beyond-headers": "the value of 'x' would end at byte",
}


@pytest.mark.parametrize(("kind", "complaint"), COMPLAINTS.items())
def test_one_thing_is_wrong(kind: str, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        list(Decoder().feed(spoilt(kind, FRAME)))


@pytest.mark.parametrize("kind", sorted(KINDS - COMPLAINTS.keys()))
def test_the_others_are_sound_frames(kind: str) -> None:
    frame, following = Decoder().feed(spoilt(kind, FRAME) + FRAME)
    assert frame.payload != following.payload == b'{"content":"hello"}'


def test_bytes_that_are_no_utf_8() -> None:
    (frame,) = Decoder().feed(spoilt("bad-utf8", FRAME))
    with pytest.raises(UnicodeDecodeError):
        frame.payload.decode()
