import asyncio
import gzip
from typing import Any

import httpx
import pytest
from botocore.eventstream import EventStreamBuffer, InvalidPayloadLength
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS
from tests.support.wire_requests import AWS_JSON, CHAT_TARGETS, chat, chat_body, events

from cwproxy.errors import FrameError
from cwproxy.eventstream import Decoder
from cwproxy.simulator.delivery import Data, End, Fin, Head, Pause, Raw, Step
from cwproxy.simulator.faults import (
    EVENT_KINDS,
    KINDS,
    LOGIN_KINDS,
    Fault,
    answer_steps,
    change_events,
    paced,
    parse_fault,
    stream_steps,
)
from cwproxy.simulator.frames import event_frame
from cwproxy.simulator.script import BadScript, Event, call, say

HEAD = Head(200, [("content-type", "x")])
FRAMES = [event_frame("assistantResponseEvent", {"content": str(number)}) for number in range(4)]


def stream(kind: str, *, after: int = 2, frames: list[bytes] | None = None, **more: Any) -> list[Step]:
    return stream_steps(Fault(kind, after=after, **more), HEAD, FRAMES if frames is None else frames, 0.0)


def body(steps: list[Step]) -> bytes:
    return b"".join(step.data for step in steps if isinstance(step, Data))


def counted(steps: list[Step]) -> int:
    return sum(step.frames for step in steps if isinstance(step, Data))


@pytest.mark.parametrize("kind", sorted(KINDS - EVENT_KINDS - LOGIN_KINDS))
def test_every_kind_can_be_carried_out_at_every_place(kind: str) -> None:
    for after in (0, 2, 4, 9):
        fault = Fault(kind, after=after, seconds=0.0)
        steps = answer_steps(fault) if fault.replaces_answer else stream_steps(fault, HEAD, FRAMES, 0.0)
        assert steps


@pytest.mark.parametrize("kind", ["one-byte-writes", "one-write", "drip", "continue"])
def test_some_change_only_the_writes(kind: str) -> None:
    steps = stream(kind)
    assert body(steps) == b"".join(FRAMES)
    assert counted(steps) == len(FRAMES)
    assert steps[-1] == End()


def test_cut_streams_keep_what_came_before() -> None:
    whole = b"".join(FRAMES[:2])
    assert body(stream("eof")) == whole
    assert body(stream("truncated-frame")).startswith(whole)
    assert len(whole) < len(body(stream("truncated-frame"))) < len(b"".join(FRAMES[:3]))
    assert [body(stream(kind)) for kind in ("rst-after", "fin-mid-chunk", "bad-chunk")] == [whole] * 3
    head, end = stream("fin-without-length")
    assert isinstance(head, Raw)
    assert b"content-length" not in head.data
    assert end == Fin()


def test_a_fault_after_the_last_frame_brings_a_frame_of_its_own() -> None:
    assert len(body(stream("truncated-frame", after=9))) > len(b"".join(FRAMES))
    assert len(body(stream("bad-message-crc", after=9, frames=[]))) > 0


@pytest.mark.parametrize("kind", ["bad-prelude-crc", "bad-message-crc", "oversize-frame", "undersize-frame"])
def test_spoilt_frames_are_refused_by_a_decoder_and_others_follow_them(kind: str) -> None:
    steps = stream(kind)
    decoder = Decoder()
    with pytest.raises(FrameError):
        list(decoder.feed(body(steps)))
    assert counted(steps) == 5
    assert body(steps).endswith(FRAMES[3])


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("oversize-frame", "declares 2147483647 bytes in all; 25165824 is the most"),
        ("undersize-frame", "declares 8 bytes in all"),
    ],
)
def test_a_wrong_length_is_refused_for_itself(kind: str, complaint: str) -> None:
    """Its prelude has the CRC that belongs to it, so that nothing else is wrong."""
    with pytest.raises(FrameError, match=complaint):
        list(Decoder().feed(body(stream(kind, after=0))))


def test_another_decoder_finds_the_length_too() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(body(stream("oversize-frame", after=0)))
    with pytest.raises(InvalidPayloadLength):
        next(buffer)


def test_odd_frames() -> None:
    assert ("somethingNewEvent", {"content": "ignore me", "depth": [1, 2]}) in events(body(stream("unknown-event")))
    assert [payload for _, payload in events(body(stream("duplicate-frame")))] == [
        {"content": number} for number in ("0", "1", "2", "2", "3")
    ]
    assert events(body(stream("exception", error="error", message="m", reason="R")))[2:] == [
        ("error", {"message": "m", "reason": "R"})
    ]
    assert events(body(stream("error-frame", error="Code")))[2:] == [("Code", {})]
    assert events(body(stream("unknown-message-type", after=0)))[0] == ("assistantResponseEvent", {})


def test_silence() -> None:
    assert stream("stall", seconds=3.0)[3] == Pause(3.0)
    assert stream("stall")[3] == Pause(None)
    assert stream("drip")[1] == Pause(0.5)
    assert answer_steps(Fault("hang", seconds=9.0))[0] == Pause(9.0)
    assert paced(FRAMES[:1], 0.5) == [Pause(0.5), Data(FRAMES[0], 1)]


def test_streams_that_say_too_little() -> None:
    spoken: list[Event] = [*say("hi", pieces=1), *call("f", {"a": 1}, pieces=2)]
    assert change_events(Fault("empty"), spoken) == []
    assert change_events(Fault("open-tool"), spoken) == spoken[:-1]
    opened = change_events(Fault("open-tool"), spoken[:1])
    assert [name for name, _ in opened] == ["assistantResponseEvent", "toolUseEvent", "toolUseEvent"]
    assert change_events(Fault("rst-after"), spoken) == spoken


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "JSON object"),
        ({}, "kind is one of"),
        ({"kind": "gremlins"}, "kind is one of"),
        ({"kind": "rst", "times": 3}, "no member 'times'"),
        ({"kind": "rst", "scope": "moon"}, "scope is one of"),
        ({"kind": "eof", "scope": "oidc"}, "of the chat scope"),
        ({"kind": "open-tool", "scope": "control-plane"}, "of the chat scope"),
        ({"kind": "lost-answer"}, "of the oidc scope"),
        ({"kind": "expires-in", "value": 3}, "of the oidc scope"),
        ({"kind": "rst", "model": 3}, "model is of type str"),
        ({"kind": "rst", "model": "auto", "scope": "control-plane"}, "only a chat call is for a model"),
        ({"kind": "rst", "count": "3"}, "count is of type int"),
        ({"kind": "rst", "account": 3}, "account is of type str"),
        ({"kind": "rst", "scope": "oidc", "account": "one"}, "belongs to no account"),
        ({"kind": "status", "headers": []}, "headers is of type dict"),
        ({"kind": "status", "status": 1000}, "status is within 200 and 999"),
        ({"kind": "error", "status": 600}, "error is within 200 and 599"),
        ({"kind": "html", "status": 100}, "html is within 200 and 599"),
    ],
)
def test_a_fault_without_sense_is_explained(document: object, complaint: str) -> None:
    with pytest.raises(BadScript, match=complaint):
        parse_fault(document)


def test_a_fault_from_json() -> None:
    fault = parse_fault({"kind": "status", "status": 418, "headers": {"retry-after": "1"}, "count": 2})
    assert fault == Fault("status", status=418, headers={"retry-after": "1"}, count=2)


def failure(http: httpx.Client, token: str) -> str:
    """What httpx makes of one call: the name of its error, or the status."""
    try:
        return str(chat(http, token).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("rst", "ReadError"),
        ("close", "RemoteProtocolError"),
        ("garbage", "RemoteProtocolError"),
        ("huge-header", "RemoteProtocolError"),
        ("rst-after", "ReadError"),
        ("rst-inside", "ReadError"),
        ("fin-mid-chunk", "RemoteProtocolError"),
        ("bad-chunk", "RemoteProtocolError"),
        ("fin-without-length", "200"),
        ("html", "503"),
        ("redirect", "302"),
        ("status", "503"),
        ("gzip", "200"),
        ("continue", "200"),
    ],
)
def test_what_a_client_sees(aws: Simulator, http: httpx.Client, kind: str, seen: str) -> None:
    aws.fault(kind, after=1, status=503)
    account = aws.account()
    assert failure(http, account.token) == seen
    [request] = aws.received()
    assert request.fault == kind
    assert failure(http, account.token) == "200"


def test_any_status_of_three_digits(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("status", status=999, body="strange", headers={"retry-after": "1"})
    answer = chat(http, token)
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (999, "strange", "1")
    asyncio.run(aws.wait_for(running=0))
    [request] = aws.received()
    assert request.ended == "fin"


def test_only_calls_for_a_model_are_struck(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("status", model="claude-sonnet-4.5")
    aws.fault("status", model="auto", status=503)
    statuses = [chat(http, token, chat_body(model=model)).status_code for model in ("auto", "claude-sonnet-4")]
    assert statuses == [503, 200]
    assert [chat(http, token, chat_body(model="claude-sonnet-4.5")).status_code for _ in range(2)] == [500, 200]
    aws.fault("status", model="auto", status=502)
    assert chat(http, token).status_code == 502  # no model is the default


def test_a_little_gzip_is_much_json(aws: Simulator, http: httpx.Client) -> None:
    aws.fault("gzip-bomb", status=503)
    with http.stream("POST", "/", headers={**AWS_JSON, "x-amz-target": CHAT_TARGETS["q"]}) as response:
        packed = b"".join(response.iter_raw())
    assert (response.status_code, response.headers["content-encoding"]) == (503, "gzip")
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) > 64 * 1024 * 1024


def test_hanging_ends_with_the_client_or_with_a_reset(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("hang", seconds=0.06)
    aws.fault("hang")
    assert failure(http, token) == "ReadError"
    http.timeout = httpx.Timeout(SECONDS, read=0.2)
    assert failure(http, token) == "ReadTimeout"


def test_slow_headers(aws: Simulator, http: httpx.Client) -> None:
    aws.fault("slow-headers", seconds=0.0)
    assert failure(http, aws.account().token) == "RemoteProtocolError"


def test_a_modelled_error_with_headers_of_its_own(aws: Simulator, http: httpx.Client) -> None:
    aws.fault("error", status=429, error="ThrottlingException", headers={"retry-after": "3"})
    response = chat(http, aws.account().token)
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert response.json()["__type"] == "com.amazon.aws.codewhisperer#ThrottlingException"
