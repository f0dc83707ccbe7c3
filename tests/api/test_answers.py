"""Statuses before the first event, in-band errors after it, and nothing held open for a client that has gone
(reliability.md 1.8, 3E 103 to 105, compatibility.md 1.8).
"""

import asyncio
import json
import logging
from typing import Any

import pytest
from fastapi import FastAPI
from tests.support.api_client import Caller, chat, in_process, scope
from tests.support.fake_service import FakeService, Step, text_reply, tool_reply
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.drain import Drain
from cwproxy.errors import BackendTimeout, CwproxyError, LoginRequired, StreamTruncated, Throttled, ToolUseTruncated
from cwproxy.reply import TextDelta, TextStarted, ToolArguments, ToolUseStarted

pytestmark = pytest.mark.anyio

QUICK = Limits(hold=0.01, ping=0.02)
BEGUN: Step = [TextStarted(0), TextDelta(0, "Hel")]


def app_of(service: FakeService, *, limits: Limits | None = None, drain: Drain | None = None) -> FastAPI:
    return create_app(service, AccessPolicy(), limits=limits or Limits(), drain=drain)


def asking(app: FastAPI, caller: Caller, **members: Any) -> "asyncio.Task[None]":
    """The chat request as a bare ASGI call."""
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(chat(**members)).encode()})
    return asyncio.create_task(app(scope(), caller.receive, caller.send))


def events(data: bytes) -> list[bytes]:
    return [event for event in data.split(b"\n\n") if event]


async def test_a_stream() -> None:
    async with in_process(app_of(FakeService())) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=True))
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-request-id"].startswith("req_")
    assert "x-cwproxy-usage-source" not in response.headers
    assert events(response.content)[-1] == b"data: [DONE]"
    assert b'"content":"Hello"' in response.content


async def test_a_whole_answer() -> None:
    async with in_process(app_of(FakeService(tool_reply(("t", "f", '{"a":1}'))))) as client:
        response = await client.post("/v1/chat/completions", json=chat())
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert int(response.headers["openai-processing-ms"]) >= 0
    assert response.headers["x-cwproxy-usage-source"] == "backend"
    found = response.json()
    assert found["choices"][0]["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert found["id"].startswith("chatcmpl-")


async def test_each_batch_that_shows_something_is_one_write() -> None:
    caller = Caller()
    service = FakeService([[TextStarted(0), TextDelta(0, "a"), TextDelta(0, "b")], *text_reply()])
    await asking(app_of(service), caller, stream=True)
    bodies = [message for message in caller.sent if message["type"] == "http.response.body"]
    assert len(bodies) == 2
    assert bodies[0]["body"].count(b"data: ") == 3
    assert [body["more_body"] for body in bodies] == [True, False]


@pytest.mark.parametrize("stream", [False, True])
async def test_parameters_without_effect_are_named(stream: bool) -> None:
    async with in_process(app_of(FakeService())) as client:
        response = await client.post(
            "/v1/chat/completions",
            json=chat(stream=stream, temperature=1, seed=2, response_format={"type": "json_object"}),
        )
    assert response.headers["x-cwproxy-ignored"] == "temperature,seed"
    assert response.headers["x-cwproxy-emulated"] == "response_format"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (Throttled("Slow down.", retry_after=7), 429, "rate_limit_exceeded", "true"),
        (LoginRequired("Log in."), 502, "upstream_credentials_exhausted", "false"),
        (BackendTimeout("Too slow."), 504, "upstream_timeout", "false"),
    ],
)
async def test_failures_before_the_first_event_have_a_status(
    stream: bool, late: bool, error: CwproxyError, status: int, code: str, retry: str
) -> None:
    service = FakeService([error]) if late else FakeService(opening=error)
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=stream, temperature=1))
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.headers["x-should-retry"] == retry
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-cwproxy-ignored"] == "temperature"
    assert service.left.is_set()


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([BEGUN, StreamTruncated("Cut.")], "upstream_truncated"),
        (
            [[ToolUseStarted(0, "t", "f"), ToolArguments(0, '{"a')], ToolUseTruncated("Cut in a call.")],
            "upstream_incomplete_tool_call",
        ),
        ([BEGUN], "upstream_truncated"),
    ],
    ids=["truncated", "tool", "no end"],
)
async def test_failures_after_it_are_told_in_the_stream(
    steps: list[Step], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        async with in_process(app_of(FakeService(steps))) as client:
            response = await client.post("/v1/chat/completions", json=chat(stream=True))
    assert response.status_code == 200
    last = events(response.content)[-1]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == code
    assert b"[DONE]" not in response.content
    assert b'"finish_reason":"' not in response.content
    assert f'"outcome": "{code}"' in caplog.text
    assert '"status": 200' in caplog.text


@pytest.mark.parametrize("steps", [[BEGUN, StreamTruncated("Cut.")], [BEGUN]])
async def test_half_an_answer_is_never_a_whole_one(steps: list[Step]) -> None:
    async with in_process(app_of(FakeService(steps))) as client:
        response = await client.post("/v1/chat/completions", json=chat())
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_truncated"


async def test_after_the_hold_the_stream_is_kept_open_with_pings() -> None:
    gate = asyncio.Event()
    caller = Caller()
    task = asking(app_of(FakeService([gate, *text_reply("late")]), limits=QUICK), caller, stream=True)
    await caller.until_sent(3)
    assert caller.sent[0]["status"] == 200
    assert b"data:" not in caller.body()
    gate.set()
    await task
    assert b'"content":"late"' in caller.body()
    assert caller.body().endswith(b"data: [DONE]\n\n")


async def test_a_failure_after_the_hold_is_told_in_the_stream() -> None:
    gate = asyncio.Event()
    caller = Caller()
    task = asking(app_of(FakeService([gate, Throttled("Slow down.")]), limits=QUICK), caller, stream=True)
    await caller.until_sent(2)
    gate.set()
    await task
    assert events(caller.body())[-1].startswith(b'data: {"error":')
    assert caller.sent[-1]["more_body"] is False


async def test_before_the_hold_nothing_is_sent() -> None:
    service = FakeService(opening=asyncio.Event())
    caller = Caller()
    task = asking(app_of(service), caller, stream=True)
    await service.waiting.wait()
    assert caller.sent == []
    caller.leave()
    await task
    assert caller.sent == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("opening", [False, True])
async def test_a_client_that_leaves_frees_the_backend_at_once(
    stream: bool, opening: bool, caplog: pytest.LogCaptureFixture
) -> None:
    never = asyncio.Event()
    service = FakeService(opening=never) if opening else FakeService([BEGUN, never])
    caller = Caller()
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        task = asking(app_of(service), caller, stream=stream)
        await service.waiting.wait()
        assert not service.left.is_set()
        caller.leave()
        await asyncio.wait_for(task, SECONDS)
    assert service.left.is_set()
    assert '"outcome": "client_gone"' in caplog.text
    assert ('"status": 200' if stream and not opening else '"status": 499') in caplog.text
    assert b"error" not in caller.body()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_line_that_cannot_be_written_is_a_client_that_left(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    service = FakeService()
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        await asking(app_of(service), Caller(unwritable=True), stream=stream)
    assert service.left.is_set()
    assert '"outcome": "client_gone"' in caplog.text


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_end_of_the_server_is_told(stream: bool, begun: bool) -> None:
    drain = Drain()
    service = FakeService([BEGUN, asyncio.Event()] if begun else [asyncio.Event()])
    caller = Caller()
    task = asking(app_of(service, drain=drain), caller, stream=stream)
    await service.waiting.wait()
    drain.cut()
    await task
    assert service.left.is_set()
    assert json.loads(events(caller.body())[-1].removeprefix(b"data: "))["error"]["code"] == "server_shutdown"
    assert caller.sent[0]["status"] == (200 if stream and begun else 503)
    assert b"[DONE]" not in caller.body()


async def test_an_answer_that_failed_while_being_cut_says_so_once() -> None:
    drain, caller = Drain(), Caller(hold=asyncio.Event())
    task = asking(app_of(FakeService(opening=Throttled("Slow down.")), drain=drain), caller, stream=True)
    await caller.holding.wait()
    drain.cut()
    assert caller.hold is not None
    caller.hold.set()
    await task
    assert [message["type"] for message in caller.sent] == ["http.response.start", "http.response.body"]


class Stubborn(FakeService):
    """Turns a cancellation into an error of its own, as a clean-up that fails does."""

    async def _play(self, step: Step) -> None:
        try:
            await super()._play(step)
        except asyncio.CancelledError as error:
            raise StreamTruncated("Cut while ending.") from error


async def test_an_answer_that_fails_because_it_is_cut_says_one_thing_only() -> None:
    drain, caller = Drain(), Caller()
    service = Stubborn([BEGUN, asyncio.Event()])
    task = asking(app_of(service, drain=drain), caller, stream=True)
    await service.waiting.wait()
    drain.cut()
    await task
    assert caller.body().count(b'"error"') == 1
    assert caller.sent[-1]["more_body"] is False


async def test_a_client_that_does_not_even_read_the_end_is_disconnected() -> None:
    aborted: list[bool] = []
    drain, caller = Drain(), Caller()
    service = FakeService([BEGUN, asyncio.Event()])
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(chat(stream=True)).encode()})
    asked = {**scope(), "extensions": {"cwproxy.abort": {"call": lambda: aborted.append(True)}}}
    app = app_of(service, limits=Limits(last_word=0.01), drain=drain)
    task = asyncio.create_task(app(asked, caller.receive, caller.send))
    await service.waiting.wait()
    caller.hold = asyncio.Event()
    drain.cut()
    await task
    assert aborted == [True]


@pytest.mark.parametrize("stream", [False, True])
async def test_somebody_elses_os_error_is_not_taken_for_the_client_leaving(stream: bool) -> None:
    service = FakeService(opening=PermissionError("a file that should be readable"))
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(stream=stream))
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
