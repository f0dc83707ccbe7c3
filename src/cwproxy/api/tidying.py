"""Give memory back to the system when a peak of requests is over.

Without it the process keeps the pages that a thousand streams or a body of many megabytes have touched.
"""

import contextlib
import ctypes
import gc
from collections.abc import Callable
from typing import Final

AFTER_SECONDS: Final = (1.0, 2.5, 60.0)
"""When memory is given back, counted from the end of the peak: at once unless it was a pause between two bursts, when
the last answers have been cleared away, and when connections that waited for another call have been closed.
"""


class Tidying:
    """`tick` it with the number of running requests and the time, several times a second."""

    def __init__(self, give_back: Callable[[], None] | None = None) -> None:
        self._give_back = give_back or _give_back
        self._peak = 0
        self._level = 0
        self._calm_since: float | None = None
        self._given = 0

    def tick(self, running: int, now: float) -> None:
        self._peak = max(self._peak, running)
        if running > self._peak // 2 or not self._peak:
            self._calm_since = None
        elif self._calm_since is None or (self._level and running <= self._level // 2):
            # Also when what had been left over has become half of that: much of it is free only now.
            self._calm_since, self._level, self._given = now, running, 0
        elif now - self._calm_since >= AFTER_SECONDS[self._given]:
            self._give_back()
            self._given += 1
            if self._given == len(AFTER_SECONDS):
                self._peak, self._calm_since = running, None


def _give_back() -> None:
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc; Windows
        ctypes.CDLL(None).malloc_trim(0)
