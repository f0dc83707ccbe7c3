"""`n`: several answers at once, as one (compatibility.md 3.2)."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from tests.support.api_client import Caller, chat, in_process, scope
from tests.support.fake_service import FakeService, Step, text_reply
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.errors import StreamTruncated, Throttled
from cwproxy.reply import TextDelta, TextStarted

pytestmark = pytest.mark.anyio

BEGUN: Step = [TextStarted(0), TextDelta(0, "Hel")]


def app_of(service: FakeService, **limits: Any) -> FastAPI:
    return create_app(service, AccessPolicy(), limits=Limits(**limits))


def asking(app: FastAPI, caller: Caller, **members: Any) -> "asyncio.Task[None]":
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(chat(**members)).encode()})
    return asyncio.create_task(app(scope(), caller.receive, caller.send))


def chunks(text: str) -> list[dict[str, Any]]:
    assert text.endswith("data: [DONE]\n\n")
    return [json.loads(event[6:]) for event in text.split("\n\n")[:-2]]


async def test_a_whole_answer_has_every_choice() -> None:
    service = FakeService(text_reply("one"), more=[text_reply("two"), text_reply("three")])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=3))
    found = response.json()
    assert [(c["index"], c["message"]["content"]) for c in found["choices"]] == [(0, "one"), (1, "two"), (2, "three")]
    assert (found["usage"]["prompt_tokens"], found["usage"]["completion_tokens"]) == (7, 15)
    assert response.headers["x-cwproxy-emulated"] == "n"
    assert len(service.asked) == 3


async def test_a_stream_has_every_choice() -> None:
    service = FakeService(text_reply("o", "ne"), more=[text_reply("t", "wo")])
    async with in_process(app_of(service)) as client:
        body = chat(n=2, stream=True, stream_options={"include_usage": True})
        response = await client.post("/v1/chat/completions", json=body)
    *found, last = chunks(response.text)
    assert response.text.count("[DONE]") == 1
    assert (last["choices"], last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == ([], 7, 10)
    for index, text in enumerate(["one", "two"]):
        mine = [chunk["choices"][0] for chunk in found if chunk["choices"][0]["index"] == index]
        assert "".join(choice["delta"].get("content", "") for choice in mine) == text
        assert [choice["delta"]["role"] for choice in mine if "role" in choice["delta"]] == ["assistant"]
        assert [choice["finish_reason"] for choice in mine if choice["finish_reason"]] == ["stop"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("failing", [0, 1])
async def test_one_failure_before_the_others_have_ended_is_the_answer(stream: bool, failing: int) -> None:
    never = asyncio.Event()
    scripts: list[list[Step]] = [[BEGUN, never], [BEGUN, never]]
    scripts[failing] = [Throttled("Slow down.")]
    service = FakeService(scripts[0], more=[scripts[1]])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=2, stream=stream))
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert service.open == 0


async def test_a_failure_after_all_have_begun_is_told_in_the_stream() -> None:
    service = FakeService([BEGUN, asyncio.Event()], more=[[BEGUN, BEGUN, StreamTruncated("Cut.")]])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=2, stream=True))
    assert response.status_code == 200
    last = response.text.split("\n\n")[-2]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "upstream_truncated"
    assert "[DONE]" not in response.text
    assert '"finish_reason":"' not in response.text
    assert service.open == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_choice_without_an_end_is_a_failure(stream: bool) -> None:
    service = FakeService(text_reply("one"), more=[[BEGUN]])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=2, stream=stream))
    assert "upstream_truncated" in response.text


async def test_a_fault_of_ours_is_one_here_too() -> None:
    service = FakeService(text_reply("one"), more=[[ZeroDivisionError("secret")]])
    async with in_process(app_of(service)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=2))
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_frees_every_backend(stream: bool) -> None:
    never = asyncio.Event()
    service = FakeService([BEGUN, never], more=[[BEGUN, never], [BEGUN, never]])
    caller = Caller()
    task = asking(app_of(service), caller, n=3, stream=stream)
    await service.waiting.wait()
    assert service.open == 3
    caller.leave()
    await asyncio.wait_for(task, SECONDS)
    assert service.open == 0


async def test_after_the_hold_no_choice_waits_for_the_others() -> None:
    gate = asyncio.Event()
    service = FakeService([BEGUN, *text_reply("late")[1:]], more=[[gate, *text_reply("later")]])
    caller = Caller()
    task = asking(app_of(service, hold=0.01, ping=0.02), caller, n=2, stream=True)
    await caller.until_sent(2)
    gate.set()
    await task
    assert [
        choice["index"] for chunk in chunks(caller.body().split(b"\n\n", 1)[1].decode()) for choice in chunk["choices"]
    ]
    assert caller.body().count(b"[DONE]") == 1


@pytest.mark.parametrize(("limit", "wanted", "status"), [(4, 5, 400), (4, 4, 200), (1, 2, 400), (1, 1, 200)])
async def test_the_limit(limit: int, wanted: int, status: int) -> None:
    async with in_process(app_of(FakeService(), choices=limit)) as client:
        response = await client.post("/v1/chat/completions", json=chat(n=wanted))
    assert response.status_code == status
    if status == 400:
        error = response.json()["error"]
        assert (error["param"], error["code"]) == ("n", "unsupported_value")


@pytest.mark.parametrize("stream", [False, True])
async def test_prompts_of_the_older_form(stream: bool) -> None:
    service = FakeService(text_reply("one"), more=[text_reply("two")])
    async with in_process(app_of(service)) as client:
        response = await client.post(
            "/v1/completions",
            json={"model": "m", "prompt": ["a", "b"], "stream": stream},
            headers={"x-conversation-id": "mine"},
        )
        single = await client.post("/v1/completions", json={"model": "m", "prompt": "a", "stream": stream})
    assert [conversation.name for conversation in service.asked[:2]] == ["mine", "mine"]
    if stream:
        found = chunks(response.text)
        assert single.text.endswith("[DONE]\n\n")
    else:
        found = [response.json()]
        assert found[0]["usage"]["prompt_tokens"] == 14
        assert found[0]["id"].startswith("cmpl-")
        assert single.json()["choices"][0]["text"] == "one"
    texts = ["", ""]
    for chunk in found:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == ["one", "two"]
