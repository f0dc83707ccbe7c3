"""Keys with limits and models of their own, as clients meet them over HTTP."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.support.api_client import Caller, chat, in_process, scope
from tests.support.fake_service import FakeService, text_reply
from tests.support.rings import a_ring

from cwproxy.api import AccessPolicy, create_app
from cwproxy.store.keys import KeyLimits

pytestmark = pytest.mark.anyio

PATH = "/v1/chat/completions"


async def test_requests_over_the_limit_are_turned_away_before_they_are_read(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(requests_per_minute=2))
    service = FakeService()
    async with in_process(create_app(service, AccessPolicy.of(ring=made.ring))) as client:
        mine, other = {"x-api-key": made.limited}, {"x-api-key": made.other}
        assert [(await client.post(PATH, json=chat(), headers=mine)).status_code for _ in range(2)] == [200, 200]
        refused = await client.post(PATH, content=b"not even JSON", headers=mine)
        assert (await client.post(PATH, json=chat(), headers=other)).status_code == 200
        assert (await client.get("/v1/models", headers=mine)).status_code == 200, "lists are free"
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (429, "rate_limit_exceeded")
    assert refused.headers["x-should-retry"] == "true"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert int(refused.headers["retry-after-ms"]) <= 60_000
    assert made.limited not in refused.text
    assert len(service.asked) == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_counts_as_open_until_its_client_leaves(stream: bool, tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(in_flight=1))
    service = FakeService(steps=[asyncio.Event()])
    app = create_app(service, AccessPolicy.of(ring=made.ring))
    first = Caller()
    body = json.dumps(chat(stream=stream)).encode()
    first.inbox.put_nowait({"type": "http.request", "body": body})
    task = asyncio.create_task(app(scope(x_api_key=made.limited), first.receive, first.send))
    await service.waiting.wait()
    async with in_process(app, headers={"x-api-key": made.limited}) as client:
        refused = await client.post(PATH, json=chat())
        assert refused.status_code == 429
        first.leave()
        await task
        service.steps = text_reply("now")
        assert (await client.post(PATH, json=chat())).status_code == 200
        assert (await client.post(PATH, json=chat())).status_code == 200


async def test_what_fails_gives_its_place_back(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(in_flight=1))
    async with in_process(create_app(FakeService(), AccessPolicy.of(ring=made.ring))) as client:
        headers = {"x-api-key": made.limited, "content-type": "application/json"}
        seen = [(await client.post(PATH, content=b"{", headers=headers)).status_code for _ in range(3)]
    assert seen == [400, 400, 400]


async def test_only_allowed_models_are_listed(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, models=frozenset({"auto"}))
    async with in_process(create_app(FakeService(), AccessPolicy.of(ring=made.ring))) as client:
        mine, other = {"x-api-key": made.limited}, {"x-api-key": made.other}
        assert [each["id"] for each in (await client.get("/v1/models", headers=mine)).json()["data"]] == ["auto"]
        assert len((await client.get("/v1/models", headers=other)).json()["data"]) == 2
        assert (await client.get("/v1/models/auto", headers=mine)).status_code == 200
        refused = await client.get("/v1/models/claude-sonnet-4", headers=mine)
        assert (await client.get("/v1/models/claude-sonnet-4", headers=other)).status_code == 200
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (404, "model_not_found")
    assert error["message"] == "This API key may not use the model 'claude-sonnet-4', only: auto."


async def test_counting_a_response_is_a_request(tmp_path: Path) -> None:
    made = await a_ring(tmp_path, KeyLimits(requests_per_minute=2))
    app = create_app(FakeService(), AccessPolicy.of(ring=made.ring))
    async with in_process(app, headers={"x-api-key": made.limited}) as client:
        answers = [await client.post("/v1/responses/input_tokens", json={"input": "hi"}) for _ in range(3)]
        assert (await client.get("/v1/responses/resp_none")).status_code == 404, "looking is free"
    assert [answer.status_code for answer in answers] == [200, 200, 429]
