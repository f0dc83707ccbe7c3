"""While the login of one account is being renewed, and that takes long, another one answers.

The tokens are real ones, renewed at a service that is held up; the backend is a list of byte strings. `one` is known to
the backend by its token, `two` by its name.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.fleet import fleet
from tests.support.logins import NEW, OLD, Logins, logins
from tests.support.scripted_backend import WHOLE, Backend, Named, ask, reply
from tests.support.waiting import SECONDS, until

from cwproxy.accounts.callers import LOCAL
from cwproxy.accounts.declarations import Limits
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.selection import Selected
from cwproxy.auth.bearer import Bearer
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.reply import Found, TextPart
from cwproxy.service import Options, Service
from cwproxy.store.ledger import Record
from cwproxy.upstream import Upstream

pytestmark = pytest.mark.anyio

FIRST, SECOND = f"Bearer {OLD}", f"Bearer {NEW}"
PAGES = {"results": [{"title": "One", "url": "https://e.x/"}]}
SAID = {"content": [{"type": "text", "text": json.dumps(PAGES)}]}
FOUND = json.dumps({"jsonrpc": "2.0", "id": "1", "result": SAID}).encode()
ONE = (Found("One", "https://e.x/"),)
REFUSED = 403, b'{"__type":"AccessDeniedException","message":"The bearer token included in the request is invalid."}'


@dataclass
class Books:
    records: list[Record] = field(default_factory=list)

    def record(self, record: Record) -> None:
        self.records.append(record)


@dataclass(frozen=True, slots=True)
class Running:
    service: Service
    accounts: Accounts
    one: Selected
    backend: Backend
    bench: Logins
    books: Books

    async def answers(self, requests: int = 4) -> list[str]:
        """Who has answered, or been asked."""
        before = len(self.backend.called)
        for _ in range(requests):
            assert (await reply(self.service)).parts == (TextPart("Hello"),)
        return self.backend.called[before:]


@asynccontextmanager
async def running(
    directory: Path,
    *others: str,
    listing: Sequence[str] = ("auto",),
    alike: bool = False,
    limit: int | None = None,
    surface: Surface = Surface.Q,
) -> AsyncIterator[Running]:
    """`one` and the others, who have all told their models. listing: those of the others. alike: they have the login of
    `one`. limit: calls that the others may have at the same time.
    """
    backend, books, target = Backend(WHOLE), Books(), Target(surface, "us-east-1", "http://backend")
    models = [{"modelId": name, "modelName": name} for name in listing]
    backend.lists = {name: {"models": models, "defaultModel": models[0]} for name in others}
    upstream = Upstream(transport=backend)
    async with logins(directory) as bench:
        keeper = bench.keeper_of(short_patience=0.0)
        tokens = keeper.source("one")
        one = Selected("one", target, Bearer(tokens), tokens)
        rest = (Selected(name, target, Named(name), tokens if alike else None) for name in others)
        async with fleet(one, *rest, limits=dict.fromkeys(others, Limits(limit))) as accounts:
            service = Service(accounts=accounts, upstream=upstream, options=Options(), recorder=books)
            await service.models()
            yield Running(service, accounts, one, backend, bench, books)
            await service.aclose()
        await keeper.aclose()
    await upstream.aclose()


async def waits_for_the_renewal(it: Running, model: str = "auto") -> None:
    """A request that has nowhere else to go."""
    release = it.bench.server.hold()
    it.bench.expire()
    asked = asyncio.ensure_future(reply(it.service, ask(model=model)))
    await asyncio.to_thread(it.bench.server.arrived.wait, SECONDS)
    release()
    assert (await asked).parts == (TextPart("Hello"),)
    assert it.backend.called == [SECOND]


async def test_another_account_answers_and_the_renewal_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, "two") as it:
        release = it.bench.server.hold()
        it.bench.expire()
        assert await it.answers() == ["two"] * 4
        report = (await it.accounts.report())["one"]
        assert (report.consecutive_errors, report.errors, report.in_flight) == (0, {}, 0)
        assert "failed" not in [record.outcome for record in it.books.records]
        release()
        await until(lambda: not it.one.awaited)
        assert set(await it.answers()) == {SECOND, "two"}
        assert it.bench.server.refreshes == 1


async def test_a_refused_login_is_not_waited_for_either(tmp_path: Path) -> None:
    async with running(tmp_path, "two") as it:
        it.backend.scripts[FIRST] = [REFUSED]
        release = it.bench.server.hold()
        called = await it.answers()
        assert [name for name in called if name == "two"] == ["two"] * 4
        assert FIRST in called
        assert (await it.accounts.report())["one"].errors == {}
        release()
        await until(lambda: not it.one.awaited)
        assert set(await it.answers()) == {SECOND, "two"}


async def test_a_lone_account_is_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        await waits_for_the_renewal(it)
        assert [record.outcome for record in it.books.records] == ["served"]


async def test_an_account_without_the_model_is_no_other(tmp_path: Path) -> None:
    async with running(tmp_path, "two", listing=["other"]) as it:
        await waits_for_the_renewal(it, model="claude-sonnet-4.5")


async def test_an_account_whose_own_login_is_renewed_is_no_other(tmp_path: Path) -> None:
    async with running(tmp_path, "two", alike=True) as it:
        await waits_for_the_renewal(it)
        assert [record.outcome for record in it.books.records] == ["served"]


async def test_of_many_only_those_leave_that_have_somewhere_to_go(tmp_path: Path) -> None:
    async with running(tmp_path, "two", limit=1) as it:
        release = it.bench.server.hold()
        it.bench.expire()
        it.backend.gate.clear()
        asked = [asyncio.ensure_future(reply(it.service)) for _ in range(6)]
        await it.backend.reached.wait()
        it.backend.gate.set()
        await until(lambda: any(record.outcome == "left" for record in it.books.records))
        release()
        assert [(await answer).parts for answer in asked] == [(TextPart("Hello"),)] * 6
        left = [record for record in it.books.records if record.outcome == "left"]
        moved = [record for record in it.books.records if record.outcome == "served" and record.attempt > 1]
        assert len(moved) == len(left)
        assert {record.account_id for record in moved} == {"two"}
        report = await it.accounts.report()
        assert [each.in_flight for each in report.values()] == [0, 0]


async def test_who_goes_away_while_moving_gives_both_turns_back(tmp_path: Path) -> None:
    async with running(tmp_path, "two", limit=1) as it:
        release = it.bench.server.hold()
        it.bench.expire()
        it.backend.gate.clear()
        asked = [asyncio.ensure_future(reply(it.service)) for _ in range(4)]
        await it.backend.reached.wait()
        await asyncio.to_thread(it.bench.server.arrived.wait, SECONDS)
        for request in asked:
            request.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        release()
        await until(lambda: not it.one.awaited)
        report = await it.accounts.report()
        assert [each.in_flight for each in report.values()] == [0, 0]
        it.backend.gate.set()
        assert set(await it.answers()) == {SECOND, "two"}


async def test_another_account_searches(tmp_path: Path) -> None:
    async with running(tmp_path, "two", surface=Surface.KIRO) as it:
        it.backend.script = [FOUND]
        release = it.bench.server.hold()
        it.bench.expire()
        for _ in range(4):
            assert await it.service.search(ask(), "q", caller=LOCAL) == ONE
        assert it.backend.called == ["two"] * 4
        report = (await it.accounts.report())["one"]
        assert (report.errors, report.in_flight) == ({}, 0)
        release()
        await until(lambda: not it.one.awaited)


async def test_a_lone_account_is_waited_for_to_search(tmp_path: Path) -> None:
    async with running(tmp_path, surface=Surface.KIRO) as it:
        it.backend.script = [FOUND]
        release = it.bench.server.hold()
        it.bench.expire()
        found = asyncio.ensure_future(it.service.search(ask(), "q", caller=LOCAL))
        await asyncio.to_thread(it.bench.server.arrived.wait, SECONDS)
        release()
        assert await found == ONE
        assert it.backend.called == [SECOND]
