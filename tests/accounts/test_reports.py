"""One question at a time, on a connection that is opened for the first one."""

import asyncio
import threading
from pathlib import Path

import pytest
from tests.support.records import a_record
from tests.support.waiting import SECONDS, until

from cwproxy.accounts.reports import Reports
from cwproxy.errors import StoreError
from cwproxy.store import Database, open_database
from cwproxy.store.ledger import Ledger, Period

pytestmark = pytest.mark.anyio


async def test_a_connection_is_opened_once_and_closed(tmp_path: Path) -> None:
    opened: list[Database] = []

    def opening() -> Database:
        opened.append(open_database(tmp_path / "data"))
        return opened[-1]

    reports = Reports(opening)
    assert opened == []
    await reports.ask(lambda ledger: ledger.write([a_record()]))
    summaries = await reports.ask(lambda ledger: ledger.summaries(Period(0, 2e9)))
    assert summaries[()].served == 1
    assert len(opened) == 1
    await reports.aclose()
    with pytest.raises(StoreError):
        Ledger(opened[0]).summaries(Period(0, 2e9))
    await reports.aclose()


async def test_one_waits_for_the_other(tmp_path: Path) -> None:
    reports = Reports(lambda: open_database(tmp_path / "data"))
    begun: list[int] = []
    gate = threading.Event()

    def question(number: int) -> int:
        begun.append(number)
        gate.wait(SECONDS)
        return number

    both = [asyncio.create_task(reports.ask(lambda _, number=number: question(number))) for number in (1, 2)]  # type: ignore[misc]
    await until(lambda: begun == [1])
    await asyncio.sleep(0.05)
    assert begun == [1]
    gate.set()
    assert await asyncio.gather(*both) == [1, 2]
    await reports.aclose()


async def test_a_store_that_is_away_is_tried_again(tmp_path: Path) -> None:
    away = True

    def opening() -> Database:
        if away:
            raise StoreError("It is away.")
        return open_database(tmp_path / "data")

    reports = Reports(opening)
    with pytest.raises(StoreError):
        await reports.ask(lambda ledger: ledger.summaries(Period(0, 1)))
    away = False
    assert len(await reports.ask(lambda ledger: ledger.summaries(Period(0, 1)))) == 1
    await reports.aclose()
