"""`GET /v1/usage`: a client sees what its own key has used, and nothing else."""

from pathlib import Path

import pytest
from tests.support.api_client import chat, in_process
from tests.support.fake_service import FakeService
from tests.support.operations import made_operations
from tests.support.records import NOW, a_record
from tests.support.rings import a_ring
from tests.support.waiting import until

from cwproxy.api import AccessPolicy, create_app
from cwproxy.store.keys import KeyLimits, digest_of, id_of

pytestmark = pytest.mark.anyio


async def test_a_key_sees_its_own_usage_and_limits(tmp_path: Path) -> None:
    limits = KeyLimits(requests_per_minute=5, in_flight=2, monthly_credits=10)
    async with made_operations(tmp_path) as made:
        ring = await a_ring(tmp_path, limits, spending=made.books)
        mine, other = (id_of(digest_of(key)) for key in (ring.limited, ring.other))
        made.books.record(a_record(at=NOW - 1, key_id=mine, credits=0.5, model="a", account_id="secret-account"))
        made.books.record(a_record(at=NOW - 1, key_id=mine, credits=0.25, model="b"))
        made.books.record(a_record(at=NOW - 1, key_id=mine, model="b"))
        made.books.record(a_record(at=NOW - 1, key_id=other, credits=99.0))
        await until(lambda: made.books.waiting == 0)
        app = create_app(FakeService(), AccessPolicy.of(ring=ring.ring), operations=made.operations)
        async with in_process(app, headers={"x-api-key": ring.limited}) as client:
            assert (await client.post("/v1/chat/completions", json=chat())).status_code == 200
            answer = await client.get("/v1/usage")
            unlimited = (await client.get("/v1/usage?since=1d", headers={"x-api-key": ring.other})).json()
    shown = answer.json()
    assert (shown["object"], shown["key"]) == ("usage", mine)
    assert (shown["total"]["requests"], shown["total"]["credits"]) == (3, 0.75)
    assert [(each["model"], each["requests"]) for each in shown["models"]] == [("b", 2), ("a", 1)]
    assert shown["limits"]["requests_per_minute"] == {"limit": 5, "used": 1}
    assert shown["limits"]["in_flight"] == {"limit": 2, "used": 0}
    assert (shown["limits"]["monthly_credits"]["used"], shown["limits"]["monthly_credits"]["limit"]) == (0.75, 10)
    assert shown["limits"]["monthly_credits"]["resets_at"].endswith("-01T00:00:00Z")
    assert "secret-account" not in answer.text
    assert other not in answer.text
    assert unlimited["total"]["credits"] == 99.0
    assert unlimited["limits"] == {"requests_per_minute": None, "in_flight": None, "monthly_credits": None}


async def test_without_keys_it_is_everybody_who_showed_none(tmp_path: Path) -> None:
    async with made_operations(tmp_path) as made:
        made.books.record(a_record(at=NOW - 1, key_id=None))
        made.books.record(a_record(at=NOW - 1))
        await until(lambda: made.books.waiting == 0)
        async with in_process(create_app(FakeService(), AccessPolicy(), operations=made.operations)) as client:
            shown = (await client.get("/v1/usage")).json()
            wrong = await client.get("/v1/usage?since=tomorrow")
    assert (shown["key"], shown["limits"], shown["total"]["requests"]) == (None, None, 1)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "since")


async def test_a_wrong_key_sees_nothing(tmp_path: Path) -> None:
    async with made_operations(tmp_path) as made:
        ring = await a_ring(tmp_path)
        app = create_app(FakeService(), AccessPolicy.of(ring=ring.ring), operations=made.operations)
        async with in_process(app) as client:
            assert (await client.get("/v1/usage")).status_code == 401
