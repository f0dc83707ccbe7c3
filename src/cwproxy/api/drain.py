"""How open answers learn that the server is being stopped (reliability.md 1.8 "Shutdown", A.3)."""

from collections.abc import Callable


class Drain:
    """`begin` turns readiness off and new requests away; `cut` tells every open answer to end now."""

    def __init__(self) -> None:
        self.draining = False
        self._open: set[Callable[[], None]] = set()

    def add(self, end: Callable[[], None]) -> None:
        """`end` is called by `cut`, at most once, from the event loop."""
        self._open.add(end)

    def discard(self, end: Callable[[], None]) -> None:
        self._open.discard(end)

    @property
    def open(self) -> int:
        """How many answers are open."""
        return len(self._open)

    def begin(self) -> None:
        """May be called from a signal handler."""
        self.draining = True

    def cut(self) -> None:
        ends, self._open = self._open, set()
        for end in ends:
            end()
