"""Give memory back to the system when a peak of requests is over.

Without it the process keeps the pages that a thousand streams or a body of many megabytes have touched.
"""

import contextlib
import ctypes
import gc
from collections.abc import Callable
from typing import Final

IDLE_SECONDS: Final = (1.0, 2.5, 60.0)
"""When memory is given back, counted from the end of the last request: soon unless it was a pause between two, when the
last answers have been cleared away, and when connections that waited for another call have been closed.
"""

LOW_SECONDS: Final = 1.0
"""How long fewer than half of the most must have been running, where there is always something to do."""


class Tidying:
    """`tick` it several times a second."""

    def __init__(self, give_back: Callable[[], None] | None = None) -> None:
        self._give_back = give_back or _give_back
        self._begun = 0
        self._peak = 0
        self._low_since: float | None = None
        self._idle_since: float | None = None
        self._given = len(IDLE_SECONDS)

    def tick(self, running: int, begun: int, now: float) -> None:
        """running: requests at this moment. begun: all that there have been; some are too short to be seen running."""
        if running or begun != self._begun:
            self._begun, self._idle_since, self._given = begun, None, 0
        elif self._idle_since is None:
            self._idle_since = now
        self._peak = max(self._peak, running)
        if running > self._peak // 2:
            self._low_since = None
        elif self._low_since is None:
            self._low_since = now
        if self._is_due(running, now):
            self._peak, self._low_since = running, None
            self._give_back()

    def _is_due(self, running: int, now: float) -> bool:
        if running:
            return self._low_since is not None and now - self._low_since >= LOW_SECONDS
        if self._given == len(IDLE_SECONDS) or self._idle_since is None:
            return False
        if now - self._idle_since < IDLE_SECONDS[self._given]:
            return False
        self._given += 1
        return True


def _give_back() -> None:
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc; Windows
        ctypes.CDLL(None).malloc_trim(0)
