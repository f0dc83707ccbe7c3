"""Sweeps at the start and ever after, whatever becomes of one."""

import asyncio
import logging
import threading

import pytest
from tests.support.waiting import SECONDS

from cwproxy.api.sweeping import Sweeper
from cwproxy.errors import StoreError

pytestmark = pytest.mark.anyio


async def test_sweeps_go_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    sweeps = 0

    def sweep() -> None:
        nonlocal sweeps
        sweeps += 1
        if sweeps == 1:
            raise StoreError("Away.")
        loop.call_soon_threadsafe(enough.set)

    sweeper = Sweeper(sweep, every=0.01)
    with caplog.at_level(logging.WARNING, "cwproxy.responses"):
        sweeper.start()
        async with asyncio.timeout(SECONDS):
            await enough.wait()
        await sweeper.aclose()
    assert "Away." in caplog.text
    await Sweeper(sweep).aclose()


async def test_the_end_waits_for_a_sweep() -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    done: list[bool] = []

    def sweep() -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(SECONDS)
        done.append(True)

    sweeper = Sweeper(sweep)
    sweeper.start()
    async with asyncio.timeout(SECONDS):
        await begun.wait()
        closing = asyncio.create_task(sweeper.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
        go_on.set()
        await closing
    assert done == [True]
