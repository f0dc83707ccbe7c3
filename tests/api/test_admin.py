"""The operator's routes, over HTTP: who gets in, what they show, what they change."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.support.api_client import in_process
from tests.support.fake_service import FakeService
from tests.support.operations import Made, made_operations
from tests.support.records import NOW, a_record, a_token, an_account
from tests.support.rings import Ring, a_ring
from tests.support.waiting import until

from cwproxy.accounts.pool import Failed, Failure, FailureClass, Want
from cwproxy.api import AccessPolicy, create_app
from cwproxy.store.records import AccountState

pytestmark = pytest.mark.anyio

ROUTES = [
    ("GET", "/admin/stats"),
    ("GET", "/admin/accounts"),
    ("GET", "/admin/openapi.json"),
    ("POST", "/admin/accounts/one/recover"),
    ("POST", "/admin/accounts/one/disable"),
    ("POST", "/admin/accounts/one/enable"),
]


@dataclass(frozen=True, slots=True)
class Running:
    made: Made
    ring: Ring
    client: httpx.AsyncClient
    """Shows the operator's key."""


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Running]:
    async with made_operations(directory) as made:
        ring = await a_ring(directory)
        app = create_app(FakeService(), AccessPolicy.of(ring=ring.ring), operations=made.operations)
        async with in_process(app, headers={"authorization": f"Bearer {ring.admin}"}) as client:
            yield Running(made, ring, client)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_but_an_operator_gets_in(method: str, path: str, tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.made.store.add(an_account(), a_token())
        seen = [
            (await it.client.request(method, path, headers={"authorization": f"Bearer {key}"})).status_code
            for key in (it.ring.other, "cwp_wrong", "", it.ring.admin)
        ]
        without = httpx.Request(method, f"http://localhost{path}")
        assert (await it.client.send(without)).status_code == 401
    assert seen == [403, 401, 401, 200]


async def test_an_operators_key_opens_no_clients_route(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for path in ("/v1/models", "/v1/usage", "/v1/models/auto"):
            answer = await it.client.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_kind_of_key")
        asked = await it.client.post("/v1/chat/completions", json={"model": "m", "messages": []})
        assert asked.status_code == 403


async def test_without_operations_there_is_nothing(tmp_path: Path) -> None:
    ring = await a_ring(tmp_path)
    app = create_app(FakeService(), AccessPolicy.of(ring=ring.ring))
    async with in_process(app, headers={"x-api-key": ring.admin}) as client:
        assert (await client.get("/admin/stats")).status_code == 404


async def test_statistics_of_the_process_and_of_the_ledger(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.made.books.record(a_record(at=NOW - 10, account_id="a", seconds=2.0, credits=0.5, input_tokens=7))
        it.made.books.record(a_record(at=NOW - 5, account_id="b", outcome="failed", failure_class="throttled"))
        await until(lambda: it.made.books.waiting == 0)
        answer = (await it.client.get("/admin/stats?since=1d&by=account,model")).json()
    process, ledger = answer["process"], answer["ledger"]
    assert process["total"]["requests"] == 2
    assert process["total"]["success_rate"] == 0.5
    assert process["total"]["requests_per_minute"] == 2
    assert process["total"]["response_seconds"] == {"mean": 2.0, "p50": 2.0, "p95": 2.0}
    assert process["total"]["buffer_seconds"] == {"mean": 0.5, "p50": 0.5, "p95": 0.5}
    assert process["total"]["failures"] == {"throttled": 1}
    assert {each["account"]: each["served"] for each in process["accounts"]} == {"a": 1, "b": 0}
    assert [each["model"] for each in process["models"]] == ["claude-sonnet-4.5"]
    assert {(each["account"], each["model"]) for each in process["accounts_and_models"]} == {
        ("a", "claude-sonnet-4.5"),
        ("b", "claude-sonnet-4.5"),
    }
    assert process["keys"][0]["key"] == "key-1"
    assert (process["waiting"], process["dropped"]) == (0, 0)
    assert list(process["events_left_out"].items()) == [("codeEvent", 7), ("newEvent", 2)]
    assert [(each["account"], each["credits"], each["input_tokens"]) for each in ledger["groups"]] == [
        ("a", 0.5, 7),
        ("b", 0.0, 0),
    ]


async def test_the_ledger_by_day(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for days in (0, 1, 1, 3):
            it.made.books.record(a_record(at=NOW - 1 - days * 86_400))
        await until(lambda: it.made.books.waiting == 0)
        groups = (await it.client.get("/admin/stats?since=7d&by=day")).json()["ledger"]["groups"]
    assert [each["requests"] for each in groups] == [1, 2, 1]
    assert [each["day"] for each in groups] == sorted(each["day"] for each in groups)


@pytest.mark.parametrize(("query", "param"), [("by=colour", "by"), ("since=never", "since"), ("since=9d9", "since")])
async def test_what_is_asked_wrongly_is_named(query: str, param: str, tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        answer = await it.client.get(f"/admin/stats?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_accounts_show_state_quota_pool_and_figures_and_no_token(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.made.store.add(an_account("one", label="mine"), a_token())
        it.made.store.add(an_account("two", state=AccountState.SUSPENDED, state_detail="by AWS"))  # type: ignore[arg-type]
        turn = await it.made.accounts.lease(Want())
        turn.settle(Failed(Failure(FailureClass.SERVER, detail="It broke.")))
        it.made.books.record(a_record(account_id="one"))
        answer = await it.client.get("/admin/accounts")
    assert "canary" not in answer.text
    one, two = answer.json()["accounts"]
    assert (one["id"], one["label"], one["kind"], one["state"]) == ("one", "mine", "builder-id", "active")
    assert one["quota"]["fraction_left"] == 0.75
    assert one["quota"]["plan"] == "Pro"
    assert one["quota"]["allowances"][0]["resource"] == "CREDIT"
    assert (one["pool"]["consecutive_errors"], one["pool"]["errors"]) == (1, {"server": 1})
    assert one["pool"]["error_history"][0]["kind"] == "server"
    assert one["figures"]["requests"] == 1
    assert (two["state"], two["state_detail"], two["figures"]) == ("suspended", "by AWS", None)
    assert (two["pool"]["standing"], two["pool"]["blacklisted"], two["pool"]["available"]) == ("suspended", True, False)


async def test_an_account_is_switched_off_and_on_and_recovered(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.made.store.add(an_account(), a_token())
        off = await it.client.post("/admin/accounts/one/disable")
        assert off.json()["disabled"] is True
        assert it.made.store.accounts()[0].disabled
        assert (await it.client.post("/admin/accounts/one/enable")).json()["disabled"] is False


async def test_a_person_may_say_that_an_account_is_well(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.made.store.add(an_account(), a_token())
        turn = await it.made.accounts.lease(Want())
        turn.settle(Failed(Failure(FailureClass.SUSPENDED, detail="By AWS.")))
        before = (await it.client.get("/admin/accounts")).json()["accounts"][0]["pool"]
        recovered = (await it.client.post("/admin/accounts/one/recover")).json()
    after = recovered["pool"]
    assert recovered["state"] == "active"
    assert (before["blacklisted"], before["standing"]) == (True, "suspended")
    assert (after["blacklisted"], after["standing"]) == (False, "active")


@pytest.mark.parametrize("change", ["recover", "disable", "enable"])
async def test_an_account_that_is_not_there(change: str, tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        answer = await it.client.post(f"/admin/accounts/nobody/{change}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "account_not_found")
        assert (await it.client.get(f"/admin/accounts/nobody/{change}")).status_code == 405


async def test_the_description_fits_the_routes(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        described = json.loads((await it.client.get("/admin/openapi.json")).content)
    listed = {(method.upper(), path) for path, entry in described["paths"].items() for method in entry}
    mine = {(method, path.replace("/one/", "/{account_id}/")) for method, path in ROUTES}
    assert listed == mine - {("GET", "/admin/openapi.json")}
