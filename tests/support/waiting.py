"""Waiting for what happens elsewhere: in a thread, a file, another task."""

import asyncio
from collections.abc import Callable
from typing import Final

SECONDS: Final = 60.0
"""For anything that a test waits for and that comes at once on an idle machine. It ends a test that has failed; no test
passes because of it."""


async def settled() -> None:
    """Let the tasks of this loop go on until each waits for something."""
    for _ in range(100):
        await asyncio.sleep(0)


async def until(met: Callable[[], bool], within: float = SECONDS) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not met():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
