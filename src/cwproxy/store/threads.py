"""Calls to the store from an event loop: in threads of their own, so that a store that hangs is in nobody else's way.

A thread cannot be stopped: whoever is not waited for any more goes on until the database gives up, which it does
(`postgresql.ANSWER_SECONDS`, `sqlite.BUSY_SECONDS`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
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


class _Threads(ThreadPoolExecutor):
    """Takes no more than `most` calls."""

    def __init__(self, threads: int, most: int) -> None:
        super().__init__(threads, thread_name_prefix="cwproxy-store")
        self._room = BoundedSemaphore(most)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        if not self._room.acquire(blocking=False):
            raise StoreError("The store does not answer, and too many wait for it already.")
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(lambda _: self._room.release())
        return future


class StoreThreads:
    """within: seconds that a call is waited for. A server needs one of these; `in_store` uses it."""

    def __init__(self, *, threads: int = THREADS, most: int = MOST, within: float = WITHIN_SECONDS) -> None:
        self._threads = _Threads(threads, most)
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
        return asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))


@cache
def _shared() -> StoreThreads:
    return StoreThreads()


async def in_store(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`StoreThreads.run` in those of this process."""
    return await _shared().run(work, *args, **kwargs)


def begun_in_store(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
    """`StoreThreads.start` in those of this process."""
    return _shared().start(work, *args, **kwargs)
