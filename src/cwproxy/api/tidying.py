"""Give memory back to the system when a peak of requests is over.

Without it the process keeps the pages that a thousand streams or a body of many megabytes have touched.
"""

import contextlib
import ctypes
import gc
from collections.abc import Callable
from typing import Final

CALM_SECONDS: Final = 1.0
"""How long the requests must have been few before anything is done: a pause between two bursts is no end of a peak."""


class Tidying:
    """`tick` it with the number of running requests and the time, several times a second."""

    def __init__(self, give_back: Callable[[], None] | None = None) -> None:
        self._give_back = give_back or _give_back
        self._peak = 0
        self._calm_since: float | None = None

    def tick(self, running: int, now: float) -> None:
        self._peak = max(self._peak, running)
        if not self._peak or running > self._peak // 2:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= CALM_SECONDS:
            self._peak, self._calm_since = running, None
            self._give_back()


def _give_back() -> None:
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc; Windows
        ctypes.CDLL(None).malloc_trim(0)
