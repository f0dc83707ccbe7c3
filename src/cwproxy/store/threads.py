"""Calls to the store from an event loop: in threads of their own, so that a store that hangs is in nobody else's way.

A thread cannot be stopped: whoever is not waited for any more goes on until the database gives up, which it does
(`postgresql.ANSWER_SECONDS`, `sqlite.BUSY_SECONDS`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import BoundedSemaphore
from typing import Final, ParamSpec, TypeVar

from cwproxy.errors import StoreError

THREADS: Final = 8
MOST: Final = 256
"""Calls that run or wait for a thread: with so many the store is stuck, and one more would only wait with them."""

WITHIN_SECONDS: Final = 5.0
"""What a request waits for, the time until there is a thread included."""

P = ParamSpec("P")
T = TypeVar("T")


class StoreThreads:
    """within: seconds that a call is waited for. A server needs one of these; `in_store` uses it."""

    def __init__(self, *, threads: int = THREADS, most: int = MOST, within: float = WITHIN_SECONDS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="cwproxy-store")
        self._room = BoundedSemaphore(most)
        self._within = within

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns and raises; StoreError when it takes too long, or when too many wait."""
        future = self.start(work, *args, **kwargs)
        try:
            async with asyncio.timeout(self._within):
                return await future
        except TimeoutError:
            raise StoreError(f"The store has not answered within {self._within:.0f} s.") from None

    def start(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        """For who waits as long as it takes: the database has limits of its own. Raises StoreError when too many
        wait.
        """
        if not self._room.acquire(blocking=False):
            raise StoreError("The store does not answer, and too many wait for it already.")
        future = self._threads.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._room.release())
        return asyncio.wrap_future(future)


@cache
def _shared() -> StoreThreads:
    return StoreThreads()


async def in_store(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`StoreThreads.run` in those of this process."""
    return await _shared().run(work, *args, **kwargs)


def begun_in_store(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
    """`StoreThreads.start` in those of this process."""
    return _shared().start(work, *args, **kwargs)
