import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace
from tests.support.fake_clock import FakeClock
from tests.support.records import a_token, an_account

from cwproxy.accounts.announcing import FENCE_SECONDS, TRY_SECONDS, Announced, Announcer
from cwproxy.accounts.tokens import PATIENCE_SECONDS
from cwproxy.auth.clock import Clock
from cwproxy.errors import StoreError
from cwproxy.store import Reservation, Source, SourceKind, Store, Token

pytestmark = pytest.mark.anyio

ACCOUNT, TOKEN = an_account("one"), a_token()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = tmp_path / "data" if request.param == "sqlite" else str(request.getfixturevalue("database_url"))
    with Store.open(where) as store:
        store.add(ACCOUNT, TOKEN)
        yield store


@pytest.fixture
def shared(database_url: str) -> Iterator[Store]:
    """Whose locks can be lost."""
    with Store.open(database_url) as store:
        store.add(ACCOUNT, TOKEN)
        yield store


def announcer(store: Store, clock: Clock | None = None) -> Announcer:
    return Announcer(store, store.token, clock=clock or FakeClock().clock)


async def announced(announcer: Announcer) -> Announced:
    announced = await announcer.announce(ACCOUNT, TOKEN)
    assert announced is not None
    return announced


def test_a_request_waits_for_as_long_as_a_dead_process_keeps_others_from_the_token_and_for_the_renewal() -> None:
    assert TRY_SECONDS + 2.0 <= FENCE_SECONDS <= PATIENCE_SECONDS - 5.0


async def test_each_try_is_announced_anew_and_has_time_of_its_own(store: Store) -> None:
    mine = announcer(store)
    first = await announced(mine)
    assert store.unfinished("one") == first.reservation
    assert TRY_SECONDS - 5.0 < first.until.left() <= TRY_SECONDS
    second = await mine.again(first)
    assert second is not None
    assert store.unfinished("one") == second.reservation
    assert second.reservation.started_at > first.reservation.started_at
    assert second.until.monotonic > first.until.monotonic
    await mine.withdraw(second)
    assert store.unfinished("one") is None


async def test_its_own_last_try_is_over(store: Store) -> None:
    time = FakeClock()
    mine = announcer(store, time.clock)
    first = await announced(mine)
    assert (await announced(mine)).reservation != first.reservation
    assert not time.slept


async def test_whoever_was_stopped_makes_no_second_try_and_takes_back_nobody_elses(store: Store) -> None:
    stopped, other = announcer(store), announcer(store)
    first = await announced(stopped)
    taken = await announced(other)
    assert await stopped.again(first) is None
    await stopped.withdraw(first)
    assert store.unfinished("one") == taken.reservation


async def test_a_token_that_has_moved_is_not_announced(store: Store) -> None:
    mine = announcer(store)
    first = await announced(mine)
    store.replace_token("one", a_token(2, generation=2), expected_generation=1)
    assert await mine.again(first) is None
    assert await mine.announce(ACCOUNT, TOKEN) is None


@pytest.mark.parametrize(("found", "may"), [(TOKEN, True), (a_token(2, generation=2), False), (None, False)])
async def test_the_file_of_another_program_is_looked_at_last(store: Store, found: Token | None, may: bool) -> None:
    shared = replace(ACCOUNT, source=Source(SourceKind.KIRO_IDE, "/a/file"))
    announced: list[Reservation | None] = []

    def newest(account_id: str) -> Token | None:
        announced.append(store.unfinished(account_id))
        return found

    tried = await Announcer(store, newest, clock=FakeClock().clock).announce(shared, TOKEN)
    assert (tried is not None) is may
    assert announced[0] is not None


async def test_where_no_lock_can_be_lost_nobody_is_waited_for(tmp_path: Path) -> None:
    time = FakeClock()
    with Store.open(tmp_path / "data") as store:
        store.add(ACCOUNT, TOKEN)
        await announced(announcer(store))
        await announced(announcer(store, time.clock))
    assert not time.slept


@pytest.mark.parametrize(("age", "waited"), [(0.0, FENCE_SECONDS), (7.0, FENCE_SECONDS - 7.0), (-60.0, FENCE_SECONDS)])
async def test_somebody_elses_try_is_left_alone_so_long(shared: Store, age: float, waited: float) -> None:
    time, began = FakeClock(), monotonic()
    found = Reservation(1, shared.database.now() - age)
    assert shared.reserve("one", expected_generation=1, started_at=found.started_at)
    await announced(announcer(shared, time.clock))
    took = monotonic() - began  # the time of the database passes
    assert waited - took - 0.6 <= sum(time.slept) <= waited + took + 0.6


async def test_an_old_try_keeps_nobody_waiting(shared: Store) -> None:
    time = FakeClock()
    shared.reserve("one", expected_generation=1, started_at=shared.database.now() - FENCE_SECONDS)
    await announced(announcer(shared, time.clock))
    assert not time.slept


async def test_somebody_elses_try_that_ends_is_waited_for_no_longer(shared: Store) -> None:
    other = announcer(shared)
    theirs = await announced(other)
    time = FakeClock()

    def end(_: float) -> None:
        if len(time.slept) == 3:
            shared.release("one", theirs.reservation)

    time.on_sleep = end
    assert await announcer(shared, time.clock).announce(ACCOUNT, TOKEN) is None
    assert len(time.slept) == 3


async def test_of_two_that_have_waited_one_makes_the_try(shared: Store) -> None:
    shared.reserve("one", expected_generation=1, started_at=shared.database.now() - FENCE_SECONDS + 0.5)
    tries = await asyncio.gather(*(announcer(shared, Clock()).announce(ACCOUNT, TOKEN) for _ in range(2)))
    assert sum(each is not None for each in tries) == 1


async def test_nothing_is_announced_where_the_store_is_away(shared: Store) -> None:
    mine = announcer(shared)
    first = await announced(mine)
    shared.close()
    with pytest.raises(StoreError):
        await mine.again(first)
