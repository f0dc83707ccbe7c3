"""Time as an argument, so that tests need not wait for it. Usable from any thread."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """now: epoch seconds, which may jump. monotonic: seconds that only grow. sleep: seconds."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def limit(self, seconds: float) -> "Limit":
        """The moment in so many seconds."""
        return Limit(self, self.monotonic() + seconds, self.now() + seconds)


class Limit(msgspec.Struct, frozen=True):
    """A moment by both clocks: one stands still while a machine sleeps, the other can be set."""

    clock: Clock
    monotonic: float
    epoch: float

    def left(self) -> float:
        """Seconds until then, by whichever clock says less; negative afterwards."""
        return min(self.monotonic - self.clock.monotonic(), self.epoch - self.clock.now())
