import json

import pytest

from cwproxy.codewhisperer import wire
from cwproxy.codewhisperer.events import KNOWN_TO_BE_OF_NO_USE, Ignored, UpstreamEvent, parse
from cwproxy.errors import BackendUnavailable, BrokenStream, ContextLengthExceeded, Throttled
from cwproxy.eventstream import Frame


def frame(event_type: str, payload: object = None, **headers: str) -> Frame:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload if payload is not None else {}).encode()
    return Frame(
        {":message-type": "event", ":event-type": event_type, ":content-type": "application/json", **headers}, raw
    )


@pytest.mark.parametrize(
    ("event_type", "payload", "event"),
    [
        ("assistantResponseEvent", {"content": "Hä?"}, wire.AssistantResponsePayload("Hä?")),
        ("assistantResponseEvent", {}, wire.AssistantResponsePayload()),
        ("assistantResponseEvent", {"content": None, "news": [1]}, wire.AssistantResponsePayload()),
        (
            "assistantResponseEvent",
            {"content": "x", "modelId": "claude-sonnet-4.5"},
            wire.AssistantResponsePayload("x", "claude-sonnet-4.5"),
        ),
        ("reasoningContentEvent", {"text": "hm", "signature": "c2ln"}, wire.ReasoningPayload("hm", "c2ln")),
        (
            "toolUseEvent",
            {"toolUseId": "t", "name": "n", "input": '{"a', "stop": False},
            wire.ToolUsePayload("t", "n", '{"a', False),
        ),
        ("toolUseEvent", {"toolUseId": "t", "name": "n", "input": {"a": 1}}, wire.ToolUsePayload("t", "n", {"a": 1})),
        ("messageMetadataEvent", {"conversationId": "c"}, wire.MessageMetadataPayload("c")),
        (
            "metadataEvent",
            {"tokenUsage": {"uncachedInputTokens": 5, "outputTokens": 7.0}, "stopReason": "END_TURN"},
            wire.MetadataPayload(wire.TokenUsage(5, 7), "END_TURN"),
        ),
        ("meteringEvent", {"usage": 0.0148, "unit": "credit"}, wire.MeteringPayload(0.0148, "credit")),
        ("contextUsageEvent", {"contextUsagePercentage": 12}, wire.ContextUsagePayload(12.0)),
        ("aNewEvent", {"content": "x"}, Ignored("aNewEvent", known=False)),
        ("codeReferenceEvent", b"not even JSON", Ignored("codeReferenceEvent", known=True)),
    ],
)
def test_the_event_type_decides(event_type: str, payload: object, event: UpstreamEvent) -> None:
    assert parse(frame(event_type, payload)) == event


def test_the_list_of_known_useless_events_has_none_that_is_used() -> None:
    for event_type in KNOWN_TO_BE_OF_NO_USE:
        assert parse(frame(event_type)) == Ignored(event_type, known=True)


def test_a_frame_without_message_type_is_an_event_and_one_without_event_type_is_ignored() -> None:
    headers = {":event-type": "assistantResponseEvent"}
    assert parse(Frame(headers, b'{"content":"x"}')) == wire.AssistantResponsePayload("x")
    assert parse(Frame({}, b"")) == Ignored("")


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        (b'{"content":"\\ud83d"}', "\ufffd"),
        (b'{"content":"\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"content":"a\xc3"}', "a\ufffd"),
    ],
)
def test_damaged_text_does_not_end_the_stream(payload: bytes, content: str) -> None:
    assert parse(frame("assistantResponseEvent", payload)) == wire.AssistantResponsePayload(content)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff\xfe", b'{"content":5}', b'{"content":["x"]}', b"<html>"])
def test_a_payload_that_is_not_the_promised_json_breaks_the_stream(payload: bytes) -> None:
    with pytest.raises(BrokenStream, match="assistantResponseEvent"):
        parse(frame("assistantResponseEvent", payload))


@pytest.mark.parametrize("member", ["input", "news"])
def test_a_payload_nested_beyond_reason_breaks_the_stream(member: str) -> None:
    payload = b'{"toolUseId":"t","name":"n","%b":%b1%b}' % (member.encode(), b'{"a":' * 20_000, b"}" * 20_000)
    with pytest.raises(BrokenStream, match="toolUseEvent"):
        parse(frame("toolUseEvent", payload))


def test_an_exception_frame_is_raised_as_the_failure_it_names() -> None:
    headers = {":message-type": "exception", ":exception-type": "validationError"}
    with pytest.raises(ContextLengthExceeded):
        parse(Frame(headers, b'{"message":"Input is too long.","reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD"}'))


def test_an_error_frame_is_raised_even_when_it_names_an_event_type() -> None:
    headers = {":message-type": "error", ":error-code": "ThrottlingException", ":error-message": "Slow down"}
    with pytest.raises(Throttled, match="Slow down"):
        parse(Frame({**headers, ":event-type": "assistantResponseEvent"}, b""))


def test_an_invalid_state_is_a_failure_with_its_reason() -> None:
    payload = {"reason": "INVALID_TASK_ASSIST_PLAN", "message": "The plan is gone."}
    with pytest.raises(BackendUnavailable, match="The plan is gone") as failure:
        parse(frame("invalidStateEvent", payload))
    assert failure.value.reason == "INVALID_TASK_ASSIST_PLAN"


def test_a_message_type_that_nobody_knows_breaks_the_stream() -> None:
    with pytest.raises(BrokenStream, match="neither"):
        parse(Frame({":message-type": "greeting", ":event-type": "assistantResponseEvent"}, b"{}"))
