"""OpenAI's Responses API over HTTP (compatibility.md 2.1, hit list 32)."""

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from fastapi import FastAPI
from tests.support.api_client import Caller, assert_envelope, in_process, scope
from tests.support.fake_service import FakeService, text_reply, tool_reply
from tests.support.response_events import accumulated, events
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.drain import Drain
from cwproxy.errors import CwproxyError, ModelUnavailable, StreamTruncated
from cwproxy.reply import ReplyEvent, TextDelta, TextStarted

pytestmark = pytest.mark.anyio

BEGUN: list[ReplyEvent] = [TextStarted(0), TextDelta(0, "Hel")]


def app_of(service: FakeService | None = None, **options: Any) -> FastAPI:
    return create_app(service or FakeService(), options.pop("access", AccessPolicy()), **options)


def asking(**members: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **members}


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/v1/responses"])
@pytest.mark.parametrize("limits", [Limits(), Limits(offload_bytes=1)], ids=["here", "elsewhere"])
async def test_a_whole_response(path: str, limits: Limits) -> None:
    async with in_process(app_of(limits=limits)) as client:
        answer = await client.post(path, json=asking(max_output_tokens=99))
    assert answer.status_code == 200
    assert answer.json()["output"][0]["content"][0]["text"] == "Hello world"
    assert answer.json()["id"] == answer.headers["x-request-id"].replace("req_", "resp_")
    assert answer.headers["x-cwproxy-emulated"] == "max_output_tokens"


async def test_a_stream() -> None:
    service = FakeService(steps=tool_reply(("t1", "f", '{"a":1}'), ("t2", "g", "")))
    async with in_process(app_of(service)) as client:
        answer = await client.post("/v1/responses", json=asking(stream=True))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    response = accumulated(events(answer.content))
    assert [item["arguments"] for item in response["output"]] == ['{"a":1}', "{}"]
    assert response["status"] == "completed"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_early_failure_has_a_status(stream: bool) -> None:
    async with in_process(app_of(FakeService(opening=ModelUnavailable("Busy.")))) as client:
        answer = await client.post("/v1/responses", json=asking(stream=stream))
    assert (answer.status_code, assert_envelope(answer.content)["message"]) == (503, "Busy.")


async def test_what_is_wrong_is_named() -> None:
    async with in_process(app_of()) as client:
        answer = await client.post("/v1/responses", json=asking(background=True))
        strict = await client.post("/v1/responses", json=asking(top_p=0.5), headers={"x-cwproxy-strict": "1"})
    assert (answer.status_code, assert_envelope(answer.content)["param"]) == (400, "background")
    assert (strict.status_code, assert_envelope(strict.content)["param"]) == (400, "top_p")


@pytest.mark.parametrize("begun", [[BEGUN], []], ids=["in the middle", "before anything"])
async def test_a_late_failure_is_a_pair_and_the_last_thing(begun: list[list[ReplyEvent]]) -> None:
    """Before anything, it is late because a ping has committed the status."""
    wait = asyncio.Event()
    service = FakeService(steps=[*begun, wait, StreamTruncated("Cut.")])
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(asking(stream=True)).encode()})
    app = app_of(service, limits=Limits(hold=0.01, ping=0.02))
    task = asyncio.create_task(app(scope("/v1/responses"), caller.receive, caller.send))
    await caller.until_sent(3)
    wait.set()
    await asyncio.wait_for(task, SECONDS)
    found = events(caller.body())
    assert [event["type"] for event in found[-2:]] == ["error", "response.failed"]
    assert found[-2]["error"]["message"] == found[-1]["response"]["error"]["message"] == "Cut."
    assert accumulated(found)["status"] == "failed"


async def test_a_server_that_stops_says_so_in_the_stream() -> None:
    drain = Drain()
    service = FakeService(steps=[BEGUN, asyncio.Event()])
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(asking(stream=True)).encode()})
    task = asyncio.create_task(app_of(service, drain=drain)(scope("/v1/responses"), caller.receive, caller.send))
    await asyncio.wait_for(service.waiting.wait(), SECONDS)
    drain.begin()
    drain.cut()
    await asyncio.wait_for(task, SECONDS)
    assert events(caller.body())[-2]["code"] == "server_shutdown"


def sdk(app: FastAPI) -> openai.AsyncOpenAI:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return openai.AsyncOpenAI(
        base_url="http://localhost/v1",
        api_key="unused",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
        _strict_response_validation=True,
    )


async def test_openais_own_client_is_content() -> None:
    async with sdk(app_of()) as client:
        assert (await client.responses.create(model="m", input="hi")).output_text == "Hello world"
        async with client.responses.stream(model="m", input="hi") as stream:
            assert (await stream.get_final_response()).output_text == "Hello world"


@pytest.mark.parametrize("error", [StreamTruncated("Cut."), ModelUnavailable("Cut.")])
async def test_openais_own_client_raises_what_comes_late(error: CwproxyError) -> None:
    async with sdk(app_of(FakeService(steps=[BEGUN, error]))) as client:
        with pytest.raises(openai.APIError, match=r"Cut\."):
            async with client.responses.stream(model="m", input="hi") as stream:
                await stream.get_final_response()


async def test_pings_are_comments() -> None:
    wait = asyncio.Event()
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": json.dumps(asking(stream=True)).encode()})
    app = app_of(FakeService(steps=[wait, *text_reply("late")]), limits=Limits(hold=0.01, ping=0.02))
    task = asyncio.create_task(app(scope("/v1/responses"), caller.receive, caller.send))
    await caller.until_sent(3)
    wait.set()
    await asyncio.wait_for(task, SECONDS)
    assert caller.body().startswith(b": ping\n\n")
    assert accumulated(events(caller.body()))["output"][0]["content"][0]["text"] == "late"


async def test_there_is_no_compaction() -> None:
    async with in_process(app_of()) as client:
        answer = await client.post("/v1/responses/compact", json=asking())
    assert (answer.status_code, assert_envelope(answer.content)["code"]) == (404, "not_found")
