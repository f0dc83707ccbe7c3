"""Two processes on one store, told apart by having a `Sharing` each."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fake_clock import FakeClock
from tests.support.postgresql import PostgresqlServer
from tests.support.records import an_account
from tests.support.waiting import SECONDS, settled, until

from cwproxy.accounts.pool import Change
from cwproxy.accounts.pool.changes import ACCOUNT, ON, QUOTA, THROTTLED
from cwproxy.accounts.sharing import BELIEVED_SECONDS, PATIENCE_SECONDS, News, Sharing
from cwproxy.auth.clock import Clock
from cwproxy.errors import StoreError
from cwproxy.store import Account, AccountState, Store
from cwproxy.store.cooldowns import CoolDowns
from cwproxy.store.sqlite import FILE_NAME

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("one"))
        yield store


class Process:
    def __init__(self, store: Store, time: FakeClock | Clock) -> None:
        self.news: list[News] = []
        clock = time.clock if isinstance(time, FakeClock) else time
        self.sharing = Sharing(store, CoolDowns(store.database), heard=self.news.append, clock=clock)

    @property
    def changes(self) -> list[Change]:
        return [change for news in self.news for change in news.changes]


def change(scope: str = THROTTLED, state: str = ON, detail: str = "", at: float = 1.0) -> Change:
    return Change("one", scope, 50.0, 2, state, detail, at)


async def test_what_one_finds_out_the_other_hears_of(store: Store) -> None:
    time = FakeClock()
    here, there = Process(store, time), Process(store, time)
    await there.sharing.fresh()
    here.sharing.tell([change(), change(QUOTA)])
    await here.sharing.aclose()
    time.advance(BELIEVED_SECONDS)
    await there.sharing.fresh()
    assert there.changes == [change(QUOTA), change()]
    time.advance(BELIEVED_SECONDS)
    await there.sharing.fresh()
    assert len(there.changes) == 2, "once"


async def test_it_is_asked_once_a_second_at_most_and_beside_the_requests(store: Store) -> None:
    time = FakeClock()
    process = Process(store, time)
    await asyncio.gather(*(process.sharing.fresh() for _ in range(5)))
    assert len(process.news) == 1
    time.advance(BELIEVED_SECONDS * 0.4)
    await process.sharing.fresh()
    assert len(process.news) == 1
    time.advance(BELIEVED_SECONDS * 0.2)
    await process.sharing.fresh()
    assert len(process.news) == 1, "the request did not wait"
    await until(lambda: len(process.news) == 2)


async def test_a_database_of_this_machine_is_read_for_requests_only(store: Store) -> None:
    time = FakeClock()
    process = Process(store, time)
    await process.sharing.fresh()
    await asyncio.sleep(0.05)
    assert not time.slept
    assert len(process.news) == 1
    await process.sharing.aclose()


async def test_a_remote_one_is_read_before_requests_come(
    postgresql_server: PostgresqlServer, database_url: str
) -> None:
    time = FakeClock()  # which stands still while the watch really sleeps
    clock = Clock(now=time.clock.now, monotonic=time.clock.monotonic)
    with Store.open(database_url) as store:
        store.add(an_account("one"))
        process = Process(store, clock)
        await process.sharing.fresh()
        store.set_disabled("one", True)
        await until(lambda: process.news[-1].accounts[0].disabled)
        time.advance(BELIEVED_SECONDS)
        read = len(process.news)
        await until(lambda: len(process.news) > read + 1)  # one more than may have been under way
        with postgresql_server.hanging():
            asking = asyncio.ensure_future(process.sharing.fresh())
            await settled()
            assert asking.done(), "it waits for the database"
        read = len(process.news)
        await until(lambda: len(process.news) > read)
        await process.sharing.aclose()


async def test_a_standing_is_kept_with_the_account(store: Store) -> None:
    time = FakeClock()
    process = Process(store, time)
    suspended = change(ACCOUNT, "suspended", "by AWS")
    process.sharing.tell([suspended])
    assert process.sharing.untold("one") == suspended
    await process.sharing.aclose()
    assert not process.sharing.unwritten
    assert process.sharing.untold("one") == suspended, "what was read last does not say it yet"
    await process.sharing.fresh()
    assert process.sharing.untold("one") is None
    (account,) = store.accounts()
    assert (account.state, account.state_detail) == (AccountState.SUSPENDED, "by AWS")


async def test_who_knew_first_has_said_it_better(store: Store) -> None:
    store.set_state("one", AccountState.NEEDS_LOGIN, "the login service refused to renew it")
    process = Process(store, FakeClock())
    process.sharing.tell([change(ACCOUNT, "needs_login", "403")])
    await process.sharing.aclose()
    (account,) = store.accounts()
    assert account.state_detail == "the login service refused to renew it"


async def test_a_suspension_that_another_process_has_found_stays_until_a_person_ends_it(store: Store) -> None:
    store.set_state("one", AccountState.SUSPENDED, "by AWS")
    process = Process(store, FakeClock())
    process.sharing.tell([change(ACCOUNT, "needs_login", "403")])
    await process.sharing.aclose()
    assert store.accounts()[0].state is AccountState.SUSPENDED
    process.sharing.tell([change(ACCOUNT, "active")])
    await process.sharing.aclose()
    assert store.accounts()[0].state is AccountState.ACTIVE


async def test_an_account_that_is_gone_has_no_standing(store: Store) -> None:
    store.remove("one")
    process = Process(store, FakeClock())
    process.sharing.tell([change(ACCOUNT, "suspended")])
    await process.sharing.aclose()
    assert store.accounts() == []


async def test_what_is_read_while_writing_is_not_older_than_what_was_written(store: Store) -> None:
    time = FakeClock()
    process = Process(store, time)
    for _ in range(20):
        process.news.clear()
        store.set_state("one", AccountState.ACTIVE)
        reading = process.sharing.refresh()
        process.sharing.tell([change(ACCOUNT, "suspended")])
        await reading
        (news,) = process.news
        told = process.sharing.untold("one")
        assert told is not None or news.accounts[0].state is AccountState.SUSPENDED
        await until(lambda: not process.sharing.unwritten)


async def test_a_reading_that_hangs_holds_up_requests_once(store: Store) -> None:
    time, go_on = FakeClock(), threading.Event()
    go_on.set()

    def slowly() -> list[Account]:
        assert go_on.wait(SECONDS)
        return store.accounts()

    sharing = Sharing(store, CoolDowns(store.database), heard=lambda _: None, clock=time.clock, accounts=slowly)
    await sharing.fresh()
    go_on.clear()
    time.advance(BELIEVED_SECONDS)
    first = asyncio.ensure_future(sharing.fresh())
    await asyncio.sleep(0.01)
    assert not first.done()
    time.advance(PATIENCE_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        await sharing.fresh()
    go_on.set()
    await first
    await sharing.aclose()


async def test_a_database_that_cannot_be_used_is_survived(store: Store, tmp_path: Path) -> None:
    time = FakeClock()
    process = Process(store, time)
    await process.sharing.fresh()
    hide(tmp_path)
    time.advance(BELIEVED_SECONDS)
    await process.sharing.fresh()
    await process.sharing.fresh()
    process.sharing.tell([change()])
    await until(lambda: len(time.slept) > 2)
    bring_back(tmp_path)
    await until(lambda: len(CoolDowns(store.database).since(0).changes) == 1)
    time.advance(BELIEVED_SECONDS)
    await process.sharing.fresh()
    assert process.changes == [change()]
    await process.sharing.aclose()


async def test_without_ever_having_been_read_it_is_an_error(store: Store, tmp_path: Path) -> None:
    hide(tmp_path)
    process = Process(store, FakeClock())
    with pytest.raises(StoreError):
        await process.sharing.fresh()
    bring_back(tmp_path)
    await process.sharing.fresh()
    assert process.news


def hide(tmp_path: Path) -> None:
    _execute(tmp_path, "ALTER TABLE cooldown RENAME TO hidden")


def bring_back(tmp_path: Path) -> None:
    _execute(tmp_path, "ALTER TABLE hidden RENAME TO cooldown")


def _execute(tmp_path: Path, statement: str) -> None:
    database = sqlite3.connect(tmp_path / "data" / FILE_NAME)
    with database:
        database.execute(statement)
    database.close()
