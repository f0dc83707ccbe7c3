import json

import pytest

from cwproxy.codewhisperer import tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.errors import BrokenStream, Throttled
from cwproxy.eventstream import encode
from cwproxy.filters import Demands, Filters
from cwproxy.reply import Finished, ReplyEvent, StopReason, TextDelta
from cwproxy.upstream.reading import Reading


def text(content: str) -> bytes:
    headers = {":message-type": "event", ":event-type": "assistantResponseEvent"}
    return encode(headers, json.dumps({"content": content}).encode())


THROTTLED = encode({":message-type": "exception", ":exception-type": "throttlingError"}, b'{"message":"Slower."}')


def reading(demands: Demands | None = None) -> Reading:
    filters = Filters(demands, tokens.weigh) if demands else None
    return Reading(Assembler({}, input_tokens=1, window=None), filters)


@pytest.mark.parametrize("fault", [THROTTLED, text("x")[:-1] + b"\x00"], ids=["exception", "bad crc"])
def test_what_was_good_comes_out_before_a_fault(fault: bytes) -> None:
    said: list[ReplyEvent] = []
    with pytest.raises((Throttled, BrokenStream)):
        for batch in reading().feed(text("Hel") + text("lo") + fault):
            said += batch
    assert [event.text for event in said if isinstance(event, TextDelta)] == ["Hel", "lo"]


def test_a_fault_after_our_own_end_is_no_fault() -> None:
    answer = reading(Demands(stop=("STOP",)))
    (batch,) = answer.feed(text("Hello STOP") + THROTTLED)
    assert batch[-1] == Finished(StopReason.STOP_SEQUENCE, "STOP")
    assert answer.over


END = encode({":message-type": "event", ":event-type": "metadataEvent"}, b'{"stopReason":"END_TURN"}')


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (text("Hello"), False),
        (text("Hello") + END, True),
        (text("Hello") + END + text("x")[:20], True),
        (text("Hello") + END[:-1], False),
    ],
    ids=["text", "end", "cut behind the end", "cut end"],
)
def test_whether_a_stream_may_break_here(data: bytes, whole: bool) -> None:
    answer = reading()
    list(answer.feed(data))
    assert answer.whole is whole
    if whole:
        assert isinstance(answer.finish()[-1], Finished)
