"""Answers that are kept no longer are deleted from time to time, whether or not anybody asks for one."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from cwproxy.errors import StoreError

log = logging.getLogger("cwproxy.responses")

SECONDS: Final = 600.0
"""Between two sweeps."""

CLOSING_SECONDS: Final = 5.0
"""For a sweep that is going on; then the store is taken from it."""


class Sweeper:
    """Use it in one event loop: `start`, then `aclose`. sweep: raises StoreError."""

    def __init__(self, sweep: Callable[[], None], *, every: float = SECONDS) -> None:
        self._sweep = sweep
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The first sweep begins at once, and nobody waits for it."""
        self._task = asyncio.create_task(self._run())  # noqa: TID251 - held, and ended by aclose

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            sweeping = asyncio.ensure_future(asyncio.to_thread(self._sweep))
            try:
                await asyncio.shield(sweeping)
            except asyncio.CancelledError:
                # A thread cannot be stopped, and needs the store.
                for ended in (await asyncio.wait([sweeping], timeout=CLOSING_SECONDS))[0]:
                    ended.exception()
                raise
            except StoreError as error:
                log.warning("what is kept of answers cannot be looked through (%s)", error.message)
            await asyncio.sleep(self._every)
