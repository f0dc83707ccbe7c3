"""Connections that wait for the next call, few and not for long: what a peak of calls has opened is soon given back."""

import asyncio
import select
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from cwproxy.upstream.transport.connection import Connection, Origin

IDLE_SECONDS: Final = 50.0
"""The longest wait. AWS's balancers end theirs after 60."""

IDLE_LIMIT: Final = 32
"""Connections that wait at once, of all origins together."""

SWEEP_SECONDS: Final = 5.0

FRESH_SECONDS: Final = 1.0
"""Idle for less, a connection is not asked whether it is dead: the question lets other threads run first, and the event
loop has mostly told by itself. What dies in between is `replayable`.
"""


def _wall_seconds() -> float:
    """A clock that goes on while the machine sleeps, where there is one: the balancers do not sleep with it."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


class Pool:
    """Knows every open connection, and lends the idle ones, the latest first, so that the others grow old.

    sweep: seconds between two looks at their age. clock: seconds of the time that they are idle.
    """

    def __init__(self, *, sweep: float = SWEEP_SECONDS, clock: Callable[[], float] = _wall_seconds) -> None:
        self._sweep_seconds = sweep
        self._clock = clock
        self._open: set[Connection] = set()
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        self._open.add(connection)

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection that looks alive; None when there is none."""
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            self._count -= 1
            if not connection.closed and not _went_stale(connection, self._clock() - connection.idle_since):
                return connection
            connection.close()
        return None

    def put(self, connection: Connection) -> None:
        """To be lent again, or closed where enough are waiting."""
        if self._count >= IDLE_LIMIT:
            connection.close()
            return
        connection.idle_since = self._clock()
        self._idle[connection.origin].append(connection)
        self._count += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._sweep_seconds, self._sweep)

    def closed(self, connection: Connection) -> None:
        """To be called when its socket is gone."""
        self._open.discard(connection)
        waiting = self._idle.get(connection.origin)
        if waiting and connection in waiting:
            waiting.remove(connection)
            self._count -= 1

    def close(self) -> None:
        """All of them, also those in use."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._open):
            connection.close()
        self._idle.clear()
        self._count = 0

    def _sweep(self) -> None:
        oldest = self._clock() - IDLE_SECONDS
        for origin, waiting in list(self._idle.items()):
            old = sum(connection.idle_since < oldest for connection in waiting)  # the list is sorted by that
            for connection in waiting[:old]:
                connection.close()
            self._count -= old
            del waiting[:old]
            if not waiting:
                del self._idle[origin]
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._sweep_seconds, self._sweep) if self._count else None


def _went_stale(connection: Connection, idle: float) -> bool:
    """Whether it is too old, or its peer has sent or ended something that the event loop has not told yet."""
    transport = connection.transport
    if transport is None or idle > IDLE_SECONDS:
        return True
    if idle < FRESH_SECONDS:
        return False
    descriptor: int = transport.get_extra_info("socket").fileno()
    if sys.platform == "win32":
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
