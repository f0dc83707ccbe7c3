"""The simulator's own clock: every lifetime and polling interval is measured on it, and tests move it by hand.

Pacing of streams uses real sleeping; only what AWS would hold against a stored time looks here.
"""

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, plus whatever was added by `advance`."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._ahead = 0.0

    def now(self) -> float:
        return self._base() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move forward (or back, if negative) without waiting."""
        self._ahead += seconds
