import asyncio
import threading

import pytest

from cwproxy.errors import StoreError
from cwproxy.store.threads import StoreThreads, begun_in_store, in_store

pytestmark = pytest.mark.anyio


async def test_what_the_work_returns_and_raises() -> None:
    def fail() -> None:
        raise StoreError("gone")

    assert await in_store(max, 1, 2) == 2
    assert await in_store(sorted, [1, 2], reverse=True) == [2, 1]
    with pytest.raises(StoreError, match="gone"):
        await in_store(fail)
    assert await begun_in_store(max, 3, 4) == 4


async def test_a_store_that_hangs_is_waited_for_so_long_and_keeps_no_other_thread() -> None:
    end = threading.Event()
    threads = StoreThreads(threads=1, most=3, within=2.0)
    try:
        with pytest.raises(StoreError, match="not answered within"):
            await threads.run(end.wait)
        waiting = [asyncio.ensure_future(threads.start(end.wait)) for _ in range(2)]
        with pytest.raises(StoreError, match="too many"):
            await threads.run(max, 1, 2)
        assert await asyncio.to_thread(max, 1, 2) == 2
    finally:
        end.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await threads.start(max, 1, 2) == 2, "there is room again"


async def test_who_goes_while_waiting_for_a_thread_is_forgotten() -> None:
    end, begun = threading.Event(), threading.Event()
    threads = StoreThreads(threads=1, most=2)
    first = threads.start(end.wait)
    second = asyncio.ensure_future(threads.run(begun.set))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    end.set()
    await first
    assert await threads.run(max, 1, 2) == 2
    assert not begun.is_set()
