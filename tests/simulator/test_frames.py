import json

from cwproxy.eventstream import Decoder, Frame
from cwproxy.simulator.frames import error_frame, event_frame, exception_frame, raw_event_frame


def only(data: bytes) -> Frame:
    [frame] = Decoder().feed(data)
    return frame


def test_an_event_is_compact_json_in_utf8() -> None:
    frame = only(event_frame("assistantResponseEvent", {"content": "ü ☃"}))
    assert dict(frame.headers) == {
        ":event-type": "assistantResponseEvent",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert frame.payload == '{"content":"ü ☃"}'.encode()


def test_a_lone_surrogate_does_not_break_the_simulator() -> None:
    assert only(event_frame("assistantResponseEvent", {"content": "\ud800"})).payload == b'{"content":"?"}'


def test_a_payload_may_be_anything() -> None:
    assert only(raw_event_frame("codeEvent", b"not json")).payload == b"not json"


def test_exceptions_and_errors() -> None:
    frame = only(exception_frame("throttlingError", "no", "WHY", wait=5))
    assert (frame.headers[":message-type"], frame.headers[":exception-type"]) == ("exception", "throttlingError")
    assert json.loads(frame.payload) == {"message": "no", "reason": "WHY", "retryAfterMilliseconds": 5}
    assert json.loads(only(exception_frame("error", "no", None)).payload) == {"message": "no", "reason": None}
    frame = only(error_frame("Code", "no"))
    assert dict(frame.headers) == {":message-type": "error", ":error-code": "Code", ":error-message": "no"}
    assert frame.payload == b""
