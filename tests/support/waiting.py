"""Waiting for what happens elsewhere: in a thread, a file, another task."""

import asyncio
from collections.abc import Callable


async def until(met: Callable[[], bool], within: float = 10.0) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not met():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
