"""Anthropic's API over HTTP (compatibility.md 2.2, hit list 5, 33 and 34)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from fastapi import FastAPI
from tests.support.anthropic_events import accumulated, events
from tests.support.api_client import Caller, in_process, scope
from tests.support.errors import OWN
from tests.support.fake_service import FakeService, text_reply, tool_reply
from tests.support.rings import an_unreadable_ring
from tests.support.waiting import SECONDS

from cwproxy.accounts.keyring import STALE_SECONDS
from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.drain import Drain
from cwproxy.errors import CwproxyError, InvalidRequest, ModelUnavailable, SourceError, StoreError, StreamTruncated
from cwproxy.reply import ReplyEvent, TextDelta, TextStarted

pytestmark = pytest.mark.anyio

KEY = "cwp_secret"


def app_of(service: FakeService | None = None, **options: Any) -> FastAPI:
    return create_app(service or FakeService(), options.pop("access", AccessPolicy()), **options)


def asking(**members: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}], **members}


@pytest.mark.parametrize("path", ["/v1/messages", "/messages", "/v1/v1/messages", "/v1/messages/?beta=true"])
async def test_a_whole_message(path: str) -> None:
    async with in_process(app_of()) as client:
        answer = await client.post(path, json=asking(), headers={"anthropic-version": "2026-10-21"})
    assert answer.status_code == 200
    assert answer.json()["content"] == [{"type": "text", "text": "Hello world", "citations": []}]
    assert answer.json()["id"] == answer.headers["request-id"].replace("req_", "msg_")
    assert "openai-processing-ms" not in answer.headers
    assert answer.headers["x-cwproxy-emulated"] == "max_tokens"
    assert answer.headers["x-cwproxy-model"] == "claude-sonnet-4"


async def test_a_stream() -> None:
    service = FakeService(steps=tool_reply(("t1", "f", '{"a":1}'), ("t2", "g", "")))
    async with in_process(app_of(service)) as client:
        answer = await client.post("/v1/messages", json=asking(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-cwproxy-model"] == "claude-sonnet-4"
    message = accumulated(events(answer.content))
    assert [block["input"] for block in message["content"]] == [{"a": 1}, {}]
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize("headers", [{"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}])
async def test_both_kinds_of_keys(path: str, headers: dict[str, str]) -> None:
    async with in_process(app_of(access=AccessPolicy.of(keys=[KEY]))) as client:
        assert (await client.post(path, json=asking(), headers=headers)).status_code == 200
        refused = await client.post(path, json=asking(), headers={"x-api-key": "wrong"})
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authentication_error"
    assert refused.json()["request_id"] == refused.headers["request-id"]


async def test_a_key_that_cannot_be_judged(tmp_path: Path) -> None:
    async with (
        an_unreadable_ring(tmp_path, seconds=STALE_SECONDS + 1.0) as made,
        in_process(app_of(access=AccessPolicy.of(ring=made.ring))) as client,
    ):
        refused = await client.post("/v1/messages", json=asking(), headers={"x-api-key": made.other})
    assert (refused.status_code, refused.headers["x-should-retry"]) == (503, "true")
    assert refused.json()["type"] == "error"
    assert refused.json()["error"]["type"] == "api_error"
    assert "cannot be checked" in refused.json()["error"]["message"]


@pytest.mark.parametrize("limits", [Limits(), Limits(offload_bytes=1)])
async def test_counting(limits: Limits) -> None:
    service = FakeService()
    async with in_process(app_of(service, limits=limits)) as client:
        counted = await client.post("/v1/messages/count_tokens", json={**asking(), "max_tokens": None})
        refused = await client.post("/v1/messages/count_tokens", json={})
    assert list(counted.json()) == ["input_tokens"]
    assert counted.json()["input_tokens"] > 0
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert service.asked == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [(ModelUnavailable("Busy."), 529, "overloaded_error"), (InvalidRequest("No."), 400, "invalid_request_error")],
)
async def test_an_early_failure_has_a_status(stream: bool, error: CwproxyError, status: int, kind: str) -> None:
    async with in_process(app_of(FakeService(opening=error))) as client:
        answer = await client.post("/v1/messages", json=asking(stream=stream))
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


async def test_a_late_failure_is_an_event_and_the_last_one() -> None:
    begun: list[ReplyEvent] = [TextStarted(0), TextDelta(0, "Hel")]
    async with in_process(app_of(FakeService(steps=[begun, StreamTruncated("Cut.")]))) as client:
        answer = await client.post("/v1/messages", json=asking(stream=True))
    assert answer.status_code == 200
    *_, last = answer.text.rstrip("\n").split("\n\n")
    name, data = last.split("\n")
    assert name == "event: error"
    assert json.loads(data[6:])["error"] == {"type": "api_error", "message": "Cut."}
    assert "message_stop" not in answer.text


async def test_pings_are_events() -> None:
    wait = asyncio.Event()
    service = FakeService(steps=[wait, *text_reply("late")])
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(asking(stream=True)).encode()})
    app = app_of(service, limits=Limits(hold=0.01, ping=0.02))
    task = asyncio.create_task(app(scope("/v1/messages"), caller.receive, caller.send))
    await caller.until_sent(3)
    wait.set()
    await asyncio.wait_for(task, SECONDS)
    assert caller.body().startswith(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert accumulated(events(caller.body()))["content"][0]["text"] == "late"


async def test_a_draining_server_is_overloaded() -> None:
    drain = Drain()
    drain.begin()
    async with in_process(app_of(drain=drain)) as client:
        answer = await client.post("/v1/messages", json=asking())
    assert (answer.status_code, answer.headers["x-should-retry"]) == (529, "true")


async def test_strict_clients_are_told_of_what_has_no_effect() -> None:
    async with in_process(app_of()) as client:
        answer = await client.post("/v1/messages", json=asking(top_k=5), headers={"x-cwproxy-strict": "1"})
    assert answer.status_code == 400
    assert "`top_k` has no effect" in answer.json()["error"]["message"]


@pytest.mark.parametrize("takes", [False, True])
async def test_thinking_that_the_model_is_not_told_is_named(takes: bool) -> None:
    async with in_process(app_of(FakeService(takes_effort=takes))) as client:
        answer = await client.post("/v1/messages", json=asking(thinking={"type": "adaptive"}))
    assert ("thinking" in answer.headers.get("x-cwproxy-ignored", "")) is not takes


def sdk(app: FastAPI) -> anthropic.AsyncAnthropic:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return anthropic.AsyncAnthropic(
        base_url="http://localhost",
        api_key="unused",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
        _strict_response_validation=True,
    )


async def test_anthropics_own_client_is_content() -> None:
    async with sdk(app_of()) as client:
        listed = await client.models.list(limit=1000)
        assert [model.id for model in listed.data] == ["claude-sonnet-4", "auto"]
        assert (await client.models.retrieve("claude-sonnet-4")).display_name == "Claude Sonnet 4"
        with pytest.raises(anthropic.NotFoundError) as caught:
            await client.models.retrieve("none")
        assert caught.value.request_id is not None
        messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hi"}]
        assert (await client.messages.count_tokens(model="m", messages=messages)).input_tokens > 0
        async with client.messages.stream(model="m", max_tokens=99, messages=messages) as stream:
            assert await stream.get_final_text() == "Hello world"


CLASSES: dict[int, type[anthropic.APIStatusError]] = {
    400: anthropic.BadRequestError,
    402: anthropic.APIStatusError,
    404: anthropic.NotFoundError,
    429: anthropic.RateLimitError,
}


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: str(kind.__name__))
@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_own_client_knows_every_error(kind: type[CwproxyError], stream: bool) -> None:
    async with sdk(app_of(FakeService(opening=kind("What happened.")))) as client:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=stream
            )
    error = caught.value
    assert isinstance(error, CLASSES.get(error.status_code, anthropic.InternalServerError))
    told = "cwproxy cannot use its store" if kind in (StoreError, SourceError) else "What happened."
    assert told in error.message
    assert error.request_id


async def test_anthropics_own_client_raises_what_comes_late() -> None:
    begun: list[ReplyEvent] = [TextStarted(0), TextDelta(0, "Hel")]
    async with sdk(app_of(FakeService(steps=[begun, StreamTruncated("Cut.")]))) as client:
        with pytest.raises(anthropic.APIStatusError, match=r"Cut\."):
            async with client.messages.stream(
                model="m", max_tokens=99, messages=[{"role": "user", "content": "hi"}]
            ) as stream:
                await stream.get_final_message()
