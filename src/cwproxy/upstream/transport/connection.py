"""One connection: what the event loop calls, passed on to the exchange that has it at the moment."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """Whom a connection leads to. host: a name or an address, without brackets."""

    secure: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Listener(Protocol):
    """What an exchange is to its connection."""

    def received(self, data: bytes) -> None: ...

    def lost(self, error: Exception | None) -> None:
        """There will be no more data; error None: the other side ended it in order."""
        ...

    def writable(self) -> None:
        """What was written has left, or most of it."""
        ...


class Connection(asyncio.Protocol):
    """listener: None while it is idle; whatever comes then ends the connection. served: exchanges so far.

    on_closed: called once, when the socket is gone.
    """

    def __init__(self, origin: Origin, on_closed: "Callable[[Connection], None]") -> None:
        self.origin = origin
        self.listener: Listener | None = None
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self.congested = False
        self.served = 0
        self.idle_since = 0.0
        self._on_closed = on_closed
        self._aborted = False

    def close(self) -> None:
        """At once: nothing is flushed, no farewell of TLS is waited for."""
        self.closed = True
        if self.transport is not None and not self._aborted:
            self._aborted = True
            self.transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's only behaves like one

    def data_received(self, data: bytes) -> None:
        if self.listener is None:
            self.close()
        else:
            self.listener.received(data)

    def eof_received(self) -> None:
        """Not left to the transport, which would first write what it still has."""
        self._lost(None)
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)
        self.transport = None
        self._on_closed(self)

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        if self.listener is not None:
            self.listener.writable()

    def _lost(self, error: Exception | None) -> None:
        self.closed = True
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.lost(error)
