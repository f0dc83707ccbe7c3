"""A clock that moves only when it is told to, or when somebody sleeps on it."""

import asyncio
from collections.abc import Callable

from cwproxy.auth.clock import Clock


class FakeClock:
    """`wall` and `running` are what `now` and `monotonic` say; `slept` is every pause that was asked for, and
    `on_sleep` is told of each.
    """

    def __init__(self, wall: float = 1_750_000_000.0) -> None:
        self.wall = wall
        self.running = 1_000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], None] | None = None
        self.clock = Clock(now=lambda: self.wall, monotonic=lambda: self.running, sleep=self._sleep)

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.running += seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        if self.on_sleep is not None:
            self.on_sleep(seconds)
        await asyncio.sleep(0)
