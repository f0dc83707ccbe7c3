"""Where the end of an attempt is told, for statistics and the ledger."""

from typing import Protocol

from cwproxy.store.ledger import Record


class Recorder(Protocol):
    """Told of every attempt once, from the event loop, when it has ended: served, failed, or left by its client."""

    def record(self, record: Record, /) -> None:
        """Takes no longer than a few microseconds, waits for nothing and never raises."""


class Unrecorded:
    """Remembers nothing: for a single question from the command line, and for tests."""

    def record(self, record: Record, /) -> None:
        pass
