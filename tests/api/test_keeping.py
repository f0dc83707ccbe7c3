"""Answers that are kept, over HTTP: continued, shown, deleted, and nobody else's."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from fastapi import FastAPI
from tests.support.api_client import assert_envelope, in_process
from tests.support.fake_service import FakeService, text_reply, tool_reply
from tests.support.response_events import accumulated, events

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.conversation import AssistantTurn, SystemTurn, Text, ToolResult, ToolUse, UserTurn
from cwproxy.store import Database, open_database
from cwproxy.store.responses import Responses

pytestmark = pytest.mark.anyio

KEYS = ["cwp_one", "cwp_two"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def kept(database: Database) -> Responses:
    return Responses(database, keep=1_000, most_bytes=100_000)


def app_of(kept: Responses | None, service: FakeService | None = None, **options: Any) -> FastAPI:
    return create_app(service or FakeService(), options.pop("access", AccessPolicy()), kept=kept, **options)


def asking(**members: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **members}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_continued(kept: Responses, stream: bool) -> None:
    service = FakeService(steps=tool_reply(("t1", "f", '{"a":1}')))
    output = [{"type": "function_call_output", "call_id": "t1", "output": "one"}]
    async with in_process(app_of(kept, service)) as client:
        first = await client.post("/v1/responses", json=asking(stream=stream, instructions="old"))
        response = accumulated(events(first.content)) if stream else first.json()
        shown = await client.get(f"/v1/responses/{response['id']}?include[]=reasoning.encrypted_content")
        assert shown.json() == response
        more = {"previous_response_id": response["id"], "instructions": "new"}
        second = await client.post("/v1/responses", json=asking(input=output, **more))
        third = await client.post(
            "/v1/responses", json=asking(input="and?", previous_response_id=second.json()["id"], store=False)
        )
    assert third.json()["store"] is False
    turns = (
        UserTurn((Text("hi"),)),
        AssistantTurn((ToolUse("t1", "f", '{"a":1}'),)),
        UserTurn((ToolResult("t1", (Text("one"),)),)),
    )
    assert service.asked[1].turns == (SystemTurn("new"), *turns)
    assert service.asked[2].turns[:3] == turns


async def test_an_answer_is_kept_before_its_end_is_sent(kept: Responses) -> None:
    async with (
        in_process(app_of(kept)) as client,
        client.stream("POST", "/v1/responses", json=asking(stream=True)) as it,
    ):
        async for line in it.aiter_lines():
            if line.startswith("data: ") and '"response.completed"' in line:
                id = json.loads(line[6:])["response"]["id"]
                assert kept.get(id, "") is not None


async def test_nothing_is_kept_that_is_not_to_be(kept: Responses, database: Database) -> None:
    async with in_process(app_of(kept)) as client:
        answer = await client.post("/v1/responses", json=asking(store=False))
        gone = await client.get(f"/v1/responses/{answer.json()['id']}")
    assert (gone.status_code, assert_envelope(gone.content)["code"]) == (404, "response_not_found")
    with database.reading() as statements:
        assert statements.execute("SELECT id FROM response") == []


@pytest.mark.parametrize("with_store", [True, False])
async def test_an_unknown_response_cannot_be_continued(kept: Responses, with_store: bool) -> None:
    service = FakeService()
    async with in_process(app_of(kept if with_store else None, service)) as client:
        answer = await client.post("/v1/responses", json=asking(previous_response_id="resp_none"))
        deleted = await client.delete("/v1/responses/resp_none")
        assert (await client.post("/v1/responses", json=asking())).status_code == 200
    error = assert_envelope(answer.content)
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "previous_response_not_found",
        "previous_response_id",
    )
    assert deleted.status_code == 404
    assert len(service.asked) == 1


async def test_another_key_finds_nothing(kept: Responses) -> None:
    app = app_of(kept, access=AccessPolicy.of(keys=KEYS))
    mine, theirs = ({"authorization": f"Bearer {key}"} for key in KEYS)
    async with in_process(app) as client:
        id = (await client.post("/v1/responses", json=asking(), headers=mine)).json()["id"]
        item = [{"type": "item_reference", "id": id.replace("resp_", "msg_") + "0000"}]
        path = f"/v1/responses/{id}"
        for headers, status in ((theirs, 404), (mine, 200), ({}, 401)):
            assert (await client.get(path, headers=headers)).status_code == status
            assert (await client.get(f"{path}/input_items", headers=headers)).status_code == status
        for body in (asking(previous_response_id=id), asking(input=item)):
            assert (await client.post("/v1/responses", json=body, headers=theirs)).status_code == 400
            assert (await client.post("/v1/responses", json=body, headers=mine)).status_code == 200
        assert (await client.delete(path, headers=theirs)).status_code == 404
        assert (await client.delete(path, headers=mine)).json()["deleted"] is True
        assert (await client.get(path, headers=mine)).status_code == 404


async def test_a_conversation_that_has_grown_too_long(kept: Responses) -> None:
    async with in_process(app_of(kept, limits=Limits(body_bytes=300))) as client:
        id = None
        for _ in range(9):
            answer = await client.post("/v1/responses", json=asking(previous_response_id=id))
            if answer.status_code != 200:
                break
            id = answer.json()["id"]
    assert assert_envelope(answer.content)["code"] == "context_length_exceeded"


async def test_what_went_in_is_listed(kept: Responses) -> None:
    async with in_process(app_of(kept)) as client:
        first = (await client.post("/v1/responses", json=asking(input="one"))).json()
        second = (await client.post("/v1/responses", json=asking(input="two", previous_response_id=first["id"]))).json()
        path = f"/v1/responses/{second['id']}/input_items"
        listed = (await client.get(f"{path}?order=asc")).json()
        page = (await client.get(f"{path}?limit=1")).json()
        rest = (await client.get(f"{path}?after={page['last_id']}")).json()
        wrong = [(await client.get(f"{path}?{query}")).status_code for query in ("limit=0", "limit=x", "order=up")]
    texts = [item["content"][0]["text"] for item in listed["data"]]
    assert texts == ["one", "Hello world", "two"]
    assert (page["data"], page["has_more"]) == (listed["data"][2:], True)
    assert rest["data"] == listed["data"][1::-1]
    assert wrong == [400, 400, 400]


async def test_there_is_nothing_to_cancel_or_to_stream_again(kept: Responses) -> None:
    async with in_process(app_of(kept)) as client:
        id = (await client.post("/v1/responses", json=asking())).json()["id"]
        cancelled = await client.post(f"/v1/responses/{id}/cancel")
        unknown = await client.post("/v1/responses/resp_none/cancel")
        streamed = await client.get(f"/v1/responses/{id}?stream=true")
    assert (cancelled.status_code, assert_envelope(cancelled.content)["code"]) == (409, "response_not_cancellable")
    assert (unknown.status_code, streamed.status_code) == (404, 400)


@pytest.mark.parametrize("limits", [Limits(), Limits(offload_bytes=1)], ids=["here", "elsewhere"])
async def test_counting(kept: Responses, limits: Limits) -> None:
    service = FakeService(steps=text_reply("a long story " * 50))
    async with in_process(app_of(kept, service, limits=limits)) as client:
        id = (await client.post("/v1/responses", json=asking())).json()["id"]
        alone = (await client.post("/v1/responses/input_tokens", json=asking())).json()
        chained = (await client.post("/v1/responses/input_tokens", json=asking(previous_response_id=id))).json()
    assert alone["object"] == "response.input_tokens"
    assert chained["input_tokens"] > alone["input_tokens"] > 0
    assert len(service.asked) == 1


async def test_a_store_that_fails_does_not_take_the_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = open_database(tmp_path / "data")
    with database.transaction() as statements:
        statements.execute("DROP TABLE response")
    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        async with in_process(app_of(Responses(database, keep=9, most_bytes=100_000))) as client:
            answer = await client.post("/v1/responses", json=asking())
            failed = await client.get(f"/v1/responses/{answer.json()['id']}")
    database.close()
    assert (answer.status_code, assert_envelope(failed.content)["code"]) == (200, "store_unavailable")
    assert "cannot be kept" in caplog.text


async def test_an_answer_that_is_too_large_is_not_kept(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        async with in_process(app_of(Responses(database, keep=9, most_bytes=10))) as client:
            assert (await client.post("/v1/responses", json=asking())).status_code == 200
    assert "too large" in caplog.text


async def test_openais_own_client_finds_its_way(kept: Responses) -> None:
    transport = httpx2.ASGITransport(app_of(kept), raise_app_exceptions=False)
    async with openai.AsyncOpenAI(
        base_url="http://localhost/v1",
        api_key="unused",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=transport),
        _strict_response_validation=True,
    ) as client:
        first = await client.responses.create(model="m", input="one")
        assert (await client.responses.retrieve(first.id)).output_text == "Hello world"
        items = await client.responses.input_items.list(first.id)
        assert [item.id async for item in items] == [first.id.replace("resp_", "msg_") + "i000"]
        assert (await client.responses.input_tokens.count(model="m", input="x")).input_tokens > 0
        with pytest.raises(openai.ConflictError):
            await client.responses.cancel(first.id)
        await client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError, match="not found"):
            await client.responses.create(model="m", input="x", previous_response_id=first.id)
