"""How much is being done at once, and what is too much (reliability.md 1.8): shed before a body is read or parsed."""

import contextlib
import threading
from collections.abc import Iterator
from random import uniform

from cwproxy.api.refused import Refused


class Load:
    """The requests and the bytes of bodies that the process has in hand. requests, body_bytes: the most of each."""

    def __init__(self, *, requests: int, body_bytes: int) -> None:
        self._most_requests = requests
        self._most_bytes = body_bytes
        self._requests = 0
        self._bytes = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Around all of a request, whatever it asks for."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    def admit(self) -> None:
        """Raises Refused (503) when the present request is one too many. Health and administration do not ask."""
        if self._requests > self._most_requests:
            raise _overloaded(f"{self._most_requests} requests are being answered already; try again in a moment.")

    @contextlib.contextmanager
    def body(self) -> Iterator["Space"]:
        """For one body, from its first byte until it is parsed."""
        space = Space(self)
        try:
            yield space
        finally:
            with self._lock:
                self._bytes -= space.taken

    def _take(self, size: int) -> None:
        with self._lock:
            if self._bytes + size <= self._most_bytes:
                self._bytes += size
                return
        raise _overloaded("Too many large requests are arriving at once; try again in a moment.")


class Space:
    """What one body takes of the whole; from any thread."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.taken = 0

    def take(self, size: int) -> None:
        """Raises Refused (503) when there is no room for so many more bytes."""
        self._load._take(size)
        self.taken += size


def _overloaded(message: str) -> Refused:
    """Nothing was sent to the backend, so that to try again is safe."""
    wait = uniform(1.0, 5.0)  # noqa: S311 - so that not all come back at once
    headers = (
        *(("connection", "close"), ("retry-after", f"{wait:.0f}"), ("retry-after-ms", f"{wait * 1000:.0f}")),
        ("x-should-retry", "true"),
    )
    return Refused(503, message, "overloaded", type="server_error", headers=headers)
