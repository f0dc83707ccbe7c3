"""Answers that are kept, over HTTP: continued, shown, deleted, and nobody else's."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from fastapi import FastAPI
from msgspec.structs import replace
from tests.support.api_client import assert_envelope, in_process
from tests.support.fake_service import FakeService, text_reply, tool_reply
from tests.support.replies import TABLE
from tests.support.response_events import accumulated, events
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.exchange import Exchange
from cwproxy.api.keeping import REST, WRITERS, Keeping
from cwproxy.conversation import AssistantTurn, SystemTurn, Text, ToolResult, ToolUse, UserTurn
from cwproxy.dialects.openai_responses import Past, read
from cwproxy.errors import ContextLengthExceeded
from cwproxy.reply import fold
from cwproxy.store import Database, open_database
from cwproxy.store.responses import Responses
from cwproxy.store.sqlite import FILE_NAME

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
    error = assert_envelope(answer.content)
    assert (error["code"], error["param"]) == ("context_length_exceeded", "previous_response_id")


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


async def test_what_is_counted_needs_no_model(kept: Responses) -> None:
    async with in_process(app_of(kept)) as client:
        answer = await client.post("/v1/responses/input_tokens", json={"input": "hi"})
    assert (answer.status_code, answer.json()["input_tokens"] > 0) == (200, True)


def given_out(content: bytes, *, stream: bool) -> dict[str, Any]:
    return accumulated(events(content)) if stream else dict(json.loads(content))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_store_that_fails_does_not_take_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    database = open_database(tmp_path / "data")
    with database.transaction() as statements:
        statements.execute("DROP TABLE response")
    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        async with in_process(app_of(Responses(database, keep=9, most_bytes=100_000))) as client:
            answers = [await client.post("/v1/responses", json=asking(stream=stream)) for _ in range(2)]
            shown = [given_out(answer.content, stream=stream) for answer in answers]
            failed = await client.get(f"/v1/responses/{shown[0]['id']}")
    database.close()
    assert assert_envelope(failed.content)["code"] == "store_unavailable"
    for answer, response in zip(answers, shown, strict=True):
        assert (answer.status_code, response["status"], response["store"]) == (200, "completed", False)
        assert answer.headers.get("x-cwproxy-ignored") == (None if stream else "store")
    assert caplog.text.count("answers are not kept for 10 seconds") == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_too_large_is_not_kept(
    database: Database, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        async with in_process(app_of(Responses(database, keep=9, most_bytes=10))) as client:
            for _ in range(2):
                answer = await client.post("/v1/responses", json=asking(stream=stream))
                assert given_out(answer.content, stream=stream)["store"] is False
    assert caplog.text.count("too large") == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("odd", [b"1e999", b"1" * 5_000, b"[" * 500 + b"]" * 500], ids=["large", "long", "deep"])
async def test_what_could_not_be_read_does_not_take_the_answer(kept: Responses, stream: bool, odd: bytes) -> None:
    part = b'{"type":"input_text","text":"a","x":' + odd + b"}"
    body = b'{"model":"m","stream":%b,"input":[{"role":"user","content":[%b]}]}' % (str(stream).lower().encode(), part)
    async with in_process(app_of(kept)) as client:
        answer = await client.post("/v1/responses", content=body, headers={"content-type": "application/json"})
        response = given_out(answer.content, stream=stream)
        items = await client.get(f"/v1/responses/{response['id']}/input_items")
    assert (response["status"], response["store"]) == ("completed", True)
    assert odd in items.content


async def test_an_answer_does_not_wait_for_a_store_that_is_stuck(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    responses = Responses(database, keep=1_000, most_bytes=100_000)
    now = 0.0
    keeping = Keeping(responses, most_bytes=1_000, patience=0.2, clock=lambda: now)
    draft = read(b'{"model":"m","input":"hi"}')
    asked = draft.asked(Past(), clock=lambda: 1)
    other = sqlite3.connect(tmp_path / "data" / FILE_NAME, isolation_level=None)

    async def keep(number: int) -> bool:
        body = asked.complete([fold(TABLE["text"])], id=f"resp_{number}", created=1)
        found = await keeping.keep(draft, asked, Exchange("POST", "/"), body)
        return bool(json.loads(found)["store"])

    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(SECONDS):
            assert await asyncio.gather(*(keep(number) for number in range(4))) == [False] * 4
            assert not await keep(4)
        other.execute("ROLLBACK")
    other.close()
    assert caplog.text.count("too slow") == WRITERS
    assert caplog.text.count("too many") == 2
    assert not await keep(5)
    now += REST
    async with asyncio.timeout(SECONDS):
        while not await keep(6):
            now += REST
    assert responses.get("resp_6", "") is not None


class Watched(Responses):
    """Notes how many answers the service has open while one is being kept."""

    def __init__(self, database: Database, service: FakeService) -> None:
        super().__init__(database, keep=9, most_bytes=100_000)
        self.service = service
        self.open: list[int] = []

    def put(self, id: str, owner: str, body: bytes, previous: str | None = None) -> bool:
        self.open.append(self.service.open)
        return super().put(id, owner, body, previous)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_account_is_free_again_while_its_answer_is_being_kept(database: Database, stream: bool) -> None:
    service = FakeService()
    kept = Watched(database, service)
    async with in_process(app_of(kept, service)) as client:
        answer = await client.post("/v1/responses", json=asking(stream=stream))
    assert given_out(answer.content, stream=stream)["store"] is True
    assert kept.open == [0]


async def test_what_cannot_be_made_a_record_is_not_kept(kept: Responses) -> None:
    draft = read(b'{"model":"m","input":"hi"}')
    asked = replace(draft.asked(Past(), clock=lambda: 1), input=(b"{",))
    body = asked.complete([fold(TABLE["text"])], id="resp_1", created=1)
    given = await Keeping(kept, most_bytes=1_000).keep(draft, asked, Exchange("POST", "/"), body)
    assert json.loads(given)["store"] is False


async def test_what_is_deleted_is_still_what_was_said(kept: Responses) -> None:
    service = FakeService()
    async with in_process(app_of(kept, service)) as client:
        ids: list[str] = []
        for text in ("one", "two", "three"):
            previous = ids[-1] if ids else None
            answer = await client.post("/v1/responses", json=asking(input=text, previous_response_id=previous))
            ids.append(answer.json()["id"])
        assert (await client.delete(f"/v1/responses/{ids[0]}")).status_code == 200
        for id, status in ((ids[0], 404), (ids[1], 200)):
            assert (await client.get(f"/v1/responses/{id}")).status_code == status
        again = await client.post("/v1/responses", json=asking(previous_response_id=ids[2]))
        branch = await client.post("/v1/responses", json=asking(previous_response_id=ids[0]))
        named = await client.post(
            "/v1/responses", json=asking(input=[{"id": ids[0].replace("resp_", "msg_") + "0000"}])
        )
        listed = await client.get(f"/v1/responses/{ids[1]}/input_items")
    assert (again.status_code, branch.status_code, named.status_code) == (200, 400, 400)
    assert ids[0] in assert_envelope(branch.content)["message"]
    assert service.asked[3].turns[0] == UserTurn((Text("one"),))
    assert len(listed.json()["data"]) == 3


async def test_a_broken_chain_is_told_by_the_id_that_was_sent(kept: Responses, database: Database) -> None:
    async with in_process(app_of(kept)) as client:
        first = (await client.post("/v1/responses", json=asking())).json()["id"]
        second = (await client.post("/v1/responses", json=asking(previous_response_id=first))).json()["id"]
        with database.transaction() as statements:
            statements.execute("DELETE FROM response WHERE id = :id", {"id": first})
        answer = await client.post("/v1/responses", json=asking(previous_response_id=second))
    message = assert_envelope(answer.content)["message"]
    assert second in message and first not in message


async def test_items_that_are_named_have_a_bound_together(kept: Responses) -> None:
    async with in_process(app_of(kept, limits=Limits(body_bytes=5_000))) as client:
        id = (await client.post("/v1/responses", json=asking(input="x" * 2_000))).json()["id"]
        item = {"type": "item_reference", "id": id.replace("resp_", "msg_") + "i000"}
        for path in ("/v1/responses", "/v1/responses/input_tokens"):
            fits = await client.post(path, json=asking(input=[item] * 2))
            often = await client.post(path, json=asking(input=[item] * 3))
            assert (fits.status_code, often.status_code) == (200, 400)
            error = assert_envelope(often.content)
            assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


async def test_what_is_referred_to_takes_room(kept: Responses) -> None:
    async with in_process(app_of(kept, limits=Limits(bodies_bytes=2_500))) as client:
        id = (await client.post("/v1/responses", json=asking(input="x" * 2_000))).json()["id"]
        item = {"type": "item_reference", "id": id.replace("resp_", "msg_") + "i000"}
        more: list[dict[str, Any]] = [{"previous_response_id": id, "instructions": "x" * 500}, {"input": [item, item]}]
        for members in more:
            full = await client.post("/v1/responses", json=asking(**members))
            assert (full.status_code, assert_envelope(full.content)["code"]) == (503, "overloaded")
        assert (await client.post("/v1/responses", json=asking(previous_response_id=id))).status_code == 200


@pytest.mark.parametrize("longer", ["input", "previous_response_id"])
async def test_what_is_too_long_for_the_model_is_named(kept: Responses, longer: str) -> None:
    async with in_process(app_of(kept)) as client:
        text = "x" * 2_000 if longer == "previous_response_id" else "x"
        id = (await client.post("/v1/responses", json=asking(input=text))).json()["id"]
    too_long = FakeService(opening=ContextLengthExceeded("Too long."))
    async with in_process(app_of(kept, too_long)) as client:
        answer = await client.post("/v1/responses", json=asking(previous_response_id=id, input="y" * 500))
    error = assert_envelope(answer.content)
    assert (error["code"], error["param"]) == ("context_length_exceeded", longer)


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
