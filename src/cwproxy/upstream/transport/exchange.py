"""One request and its answer on a connection. The exchange is the body's stream, too: one item per read of the socket.

There is no task and no time-out object per read: one coarse timer per exchange looks whether somebody has been waiting
for too long. Reading pauses while more is held than HELD_LIMIT, so a slow reader costs a bounded amount of memory.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, Self

import httpx
import msgspec

from cwproxy.upstream.transport.connection import Connection
from cwproxy.upstream.transport.faults import Disconnected
from cwproxy.upstream.transport.incoming import Incoming

HELD_LIMIT: Final = 64 * 1024
"""Bytes that may wait for their reader. One read of the socket more may come on top."""

WRITE_SIZE: Final = 128 * 1024
"""Bytes of a body that are handed to the event loop at a time."""


class Limits(msgspec.Struct, frozen=True):
    """Seconds, or None for no limit. write, read: without any progress."""

    connect: float | None = None
    write: float | None = None
    read: float | None = None


class Exchange(httpx.AsyncByteStream):
    """`start` it, then iterate it for the body. `aclose` before the end closes the connection.

    on_end: called when the answer is whole, with whether the connection can take another request; it is not called when
    the answer breaks, which closes the connection.
    """

    def __init__(
        self, connection: Connection, limits: Limits, on_end: Callable[[bool], None], *, head_only: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._limits = limits
        self._on_end = on_end
        self._incoming = Incoming(head_only=head_only)
        self._reused = connection.served > 0
        self._sent = False
        self._over = False
        self._failure: Callable[[], Exception] | None = None  # made when raised: a kept traceback would be a cycle
        self._held = 0
        self._halted = False
        self._waiter: asyncio.Future[None] | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        connection.served += 1
        connection.listener = self

    @property
    def status(self) -> int:
        return self._incoming.status

    def take_headers(self) -> list[tuple[bytes, bytes]]:
        """Once: a stream may be long, and does not need them."""
        headers, self._incoming.headers = self._incoming.headers, []
        return headers

    async def start(self, head: bytes, body: bytes) -> None:
        """Send the request and wait for the answer's head. Raises httpx.TransportError; the caller closes then."""
        await self._send(head, body)
        if self._limits.read is not None and not self._over:
            self._timer = self._loop.call_later(self._limits.read, self._look)
        incoming = self._incoming
        while not incoming.begun:
            if self._failure is not None:
                raise self._failure()
            await self._wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        pieces = self._incoming.pieces
        while not pieces:
            if self._failure is not None:
                raise self._failure()
            if self._incoming.ended:
                raise StopAsyncIteration
            await self._wait()
        data = b"".join(pieces)
        pieces.clear()
        self._held = 0
        if self._halted:
            self._halt(False)
        return data

    async def aclose(self) -> None:
        if not self._over:
            self._break(partial(httpx.ReadError, "The answer was left before its end."))

    # What the connection calls.

    def received(self, data: bytes) -> None:
        incoming = self._incoming
        incoming.feed(data)
        if incoming.failure is not None:
            self._break(partial(httpx.RemoteProtocolError, f"The answer is malformed: {incoming.failure}."))
        elif incoming.ended:
            self._end()
        elif incoming.pieces:
            self._held += len(data)
            if self._held > HELD_LIMIT and not self._halted:
                self._halt(True)
        self._wake()

    def lost(self, error: Exception | None) -> None:
        if self._over:
            return
        incoming = self._incoming
        if error is None:
            incoming.close()
        if incoming.ended:
            self._end()
        elif not incoming.touched:
            self._break(partial(Disconnected, "The connection ended without an answer.", reused=self._reused))
        else:
            self._break(partial(httpx.ReadError, "The connection ended within the answer."))
        self._wake()

    def writable(self) -> None:
        self._wake()

    async def _send(self, head: bytes, body: bytes) -> None:
        """An answer that comes early, or the end of the connection, ends the sending."""
        transport = self._connection.transport
        if transport is None:
            self.lost(None)
            return
        if len(body) <= WRITE_SIZE:
            transport.write(head + body)
        else:
            transport.write(head)
            view = memoryview(body)
            for start in range(0, len(body), WRITE_SIZE):
                if start and not await self._wanted(transport):
                    return
                transport.write(view[start : start + WRITE_SIZE])
                if not await self._uncongested():
                    return
        self._sent = True

    async def _wanted(self, transport: asyncio.Transport) -> bool:
        """Let what has arrived be read before a write can fail, which would lose it: asyncio's own loop looks at its
        sockets in one round, and tells of them in the next.
        """
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return not (self._over or self._incoming.begun or transport.is_closing())

    async def _uncongested(self) -> bool:
        """Wait until more can be written. False when nothing more is wanted."""
        timer = None
        while self._connection.congested and not (self._over or self._incoming.begun):
            if timer is None and self._limits.write is not None:
                timer = self._loop.call_later(
                    self._limits.write, self._break, partial(httpx.WriteTimeout, "The request was not taken.")
                )
            try:
                await self._wait()
            finally:
                if timer is not None:
                    timer.cancel()
                    timer = None
        return not (self._over or self._incoming.begun)

    async def _wait(self) -> None:
        """For whatever happens next."""
        self._since = self._loop.time()
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _look(self) -> None:
        """Whether somebody has been waiting for `limits.read`; if not, look again when that could be so."""
        limit = self._limits.read or 0.0
        left = limit if self._waiter is None else self._since + limit - self._loop.time()
        if left > 0.0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._break(partial(httpx.ReadTimeout, "Nothing came for too long."))

    def _halt(self, halted: bool) -> None:
        self._halted = halted
        transport = self._connection.transport
        if transport is None or self._over:
            return
        if halted:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _end(self) -> None:
        """The answer is whole; what is left of it is held here."""
        connection = self._connection
        if self._halted:
            self._halt(False)
        self._finish()
        transport = connection.transport
        flushed = transport is not None and self._sent and transport.get_write_buffer_size() == 0
        self._on_end(self._incoming.reusable and flushed and not connection.closed)

    def _break(self, failure: Callable[[], Exception]) -> None:
        self._failure = failure
        self._finish()
        self._connection.close()
        self._wake()

    def _finish(self) -> None:
        self._over = True
        self._connection.listener = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
