"""An event loop whose time passes only while nothing can be done, and then at once: for tests of pauses, in which no
machine is too slow.

    @pytest.fixture
    def anyio_backend() -> Backend:
        return BACKEND

Not for tests with threads or other processes: nobody waits for what those do.
"""

import asyncio
import selectors
from typing import Final, TypeAlias

Backend: TypeAlias = tuple[str, dict[str, object]]


class _Selector(selectors.DefaultSelector):
    """`now`: seconds."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`asyncio.sleep` and all time-outs are over as soon as every task waits for something."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


BACKEND: Final[Backend] = ("asyncio", {"loop_factory": VirtualLoop})
