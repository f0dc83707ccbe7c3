"""The writer of the ledger, with a store that can be made to fail."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.records import NOW, a_record
from tests.support.waiting import until

from cwproxy.accounts import bookkeeping
from cwproxy.accounts.bookkeeping import Bookkeeper, month_of, next_month
from cwproxy.errors import StoreError
from cwproxy.store import open_database
from cwproxy.store.ledger import EVERYBODY, Dimension, Group, Ledger, Period, Record, Summary, Whose

pytestmark = pytest.mark.anyio

ALWAYS = Period(0, NOW * 2)


class Breakable(Ledger):
    """A ledger that can be broken for a while, and remembers its batches."""

    broken = False
    batches: list[int]

    def write(self, records: list[Record]) -> None:  # type: ignore[override]
        if self.broken:
            raise StoreError("The store is away.")
        self.batches = [*getattr(self, "batches", []), len(records)]
        super().write(records)

    def attempts(self, by: tuple[Dimension, ...] = (), whose: Whose = EVERYBODY) -> dict[Group, int]:
        def count(summary: Summary) -> int:
            return summary.attempts

        return {group: count(summary) for group, summary in self.summaries(ALWAYS, by, whose).items()}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Breakable]:
    database = open_database(tmp_path / "data")
    yield Breakable(database)
    database.close()


@asynccontextmanager
async def working(
    ledger: Ledger, *, gather: float = 0.01, wall: Callable[[], float] = lambda: NOW
) -> AsyncIterator[Bookkeeper]:
    books = Bookkeeper(ledger, retention_days=90, wall=wall, gather=gather)
    await books.start()
    try:
        yield books
    finally:
        await books.aclose()


async def test_records_are_written_in_batches_and_counted_at_once(ledger: Breakable) -> None:
    async with working(ledger) as books:
        for _ in range(50):
            books.record(a_record())
        assert books.statistics.total.attempts == 50
        assert books.waiting == 50
        await until(lambda: books.waiting == 0)
        assert ledger.attempts() == {(): 50}
        assert ledger.batches == [50]
        books.record(a_record())
        await until(lambda: books.waiting == 0)
    assert ledger.batches == [50, 1]


async def test_what_is_left_over_is_written_at_the_end(ledger: Breakable) -> None:
    async with working(ledger, gather=3600) as books:
        for _ in range(bookkeeping.BATCH + 1):
            books.record(a_record(outcome="left"))
        await asyncio.sleep(0)
    assert ledger.batches == [bookkeeping.BATCH, 1]
    assert ledger.attempts() == {(): bookkeeping.BATCH + 1}


async def test_an_end_in_the_middle_of_a_batch_writes_nothing_twice(ledger: Breakable) -> None:
    for _ in range(20):
        async with working(ledger, gather=0) as books:
            for _ in range(10):
                books.record(a_record())
            await asyncio.sleep(0.001)
    assert ledger.attempts() == {(): 200}


async def test_a_broken_store_holds_up_nothing_and_loses_nothing(
    ledger: Breakable, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.broken = True
    async with working(ledger) as books:
        books.record(a_record())
        await until(lambda: bool(caplog.records))
        books.record(a_record())
        assert books.waiting == 2
        ledger.broken = False
        await until(lambda: books.waiting == 0)
    assert ledger.attempts() == {(): 2}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "wait" in caplog.text


async def test_what_waits_is_bounded_and_what_is_lost_is_said(
    ledger: Breakable, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.broken = True
    record = a_record()
    async with working(ledger, gather=3600) as books:
        for _ in range(bookkeeping.MOST_WAITING + 3):
            books.record(record)
        assert (books.waiting, books.dropped) == (bookkeeping.MOST_WAITING, 3)
        assert books.statistics.total.attempts == bookkeeping.MOST_WAITING + 3
    assert f"{bookkeeping.MOST_WAITING + 3} records of usage could not be written" in caplog.text


async def test_credits_of_the_month_are_those_of_all_processes(ledger: Breakable) -> None:
    ledger.write([a_record(at=month_of(NOW) - 1, credits=100.0), a_record(credits=1.0)])
    async with working(ledger) as books:
        assert books.spent("key-1") == 1.0
        books.record(a_record(credits=0.5))
        assert books.spent("key-1") == 1.5
        assert books.spent("key-2") == 0.0
        await until(lambda: books.waiting == 0)
        assert books.spent("key-1") == 1.5


async def test_what_others_have_spent_is_read_again_only_when_somebody_asks(ledger: Breakable) -> None:
    running = 0.0
    reads = 0
    read = ledger.credits_by_key

    def counted(period: Period) -> dict[str, float]:
        nonlocal reads
        reads += period.until == float("inf")
        return read(period)

    ledger.credits_by_key = counted  # type: ignore[method-assign]
    books = Bookkeeper(ledger, retention_days=90, wall=lambda: NOW, clock=lambda: running, gather=0.01)
    await books.start()
    ledger.write([a_record(credits=3.0)])
    assert books.spent("key-1") == 0.0
    running = bookkeeping.SPENT_SECONDS
    books.record(a_record(key_id=None))
    await until(lambda: reads == 2)
    assert books.spent("key-1") == 3.0
    for _ in range(3):
        running += bookkeeping.SPENT_SECONDS
        books.record(a_record(key_id=None))
        await until(lambda: books.waiting == 0)
    assert reads <= 3
    ledger.write([a_record(credits=1.0)])
    running += bookkeeping.SPENT_SECONDS
    before = books.spent("key-1")
    await until(lambda: books.spent("key-1") == 4.0)
    assert before in (3.0, 4.0)
    await books.aclose()


async def test_what_comes_late_to_the_ledger_is_counted_in_the_end(ledger: Breakable) -> None:
    now, running = NOW, 0.0
    books = Bookkeeper(ledger, retention_days=90, wall=lambda: now, clock=lambda: running, gather=0.01)
    await books.start()
    ledger.write([a_record(at=NOW - 3600, credits=1.0), a_record(at=NOW - 10, credits=2.0)])
    running += bookkeeping.SPENT_SECONDS
    await until(lambda: books.spent("key-1") == 2.0)
    now += bookkeeping.BASE_SECONDS
    running += bookkeeping.SPENT_SECONDS
    await until(lambda: books.spent("key-1") == 3.0)
    await books.aclose()


async def test_where_no_key_has_only_so_many_credits_nothing_is_added_up(ledger: Breakable) -> None:
    ledger.write([a_record(credits=1.0)])
    books = Bookkeeper(ledger, retention_days=90, wall=lambda: NOW, gather=0.01)
    await books.start(spending=False)
    books.record(a_record(credits=0.5))
    assert books.spent("key-1") == 0.5, "its own are known at once, also of a key that was just made"
    await until(lambda: books.spent("key-1") == 1.5)
    await books.aclose()


async def test_credits_begin_anew_with_the_month(ledger: Breakable) -> None:
    now = NOW
    async with working(ledger, wall=lambda: now) as books:
        books.record(a_record(credits=2.0))
        assert books.spent("key-1") == 2.0
        now = next_month(NOW)
        assert books.spent("key-1") == 0.0
        books.record(a_record(at=now, credits=0.25))
        assert books.spent("key-1") == 0.25


async def test_old_records_are_forgotten(ledger: Breakable) -> None:
    ledger.write([a_record(at=NOW - 91 * 86_400), a_record(at=NOW - 89 * 86_400)])
    async with working(ledger) as books:
        books.record(a_record())
        await until(lambda: ledger.attempts() == {(): 2})


async def test_a_store_that_breaks_while_it_is_looked_at(ledger: Breakable, caplog: pytest.LogCaptureFixture) -> None:
    def away(*, before: float) -> int:
        raise StoreError("The store is away.")

    ledger.prune = away  # type: ignore[method-assign]
    async with working(ledger) as books:
        books.record(a_record())
        await until(lambda: bool(caplog.records))
    assert ledger.attempts() == {(): 1}


def test_months_are_those_of_utc() -> None:
    december = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(month_of(december), UTC).isoformat() == "2026-12-01T00:00:00+00:00"
    assert datetime.fromtimestamp(next_month(december), UTC).isoformat() == "2027-01-01T00:00:00+00:00"
