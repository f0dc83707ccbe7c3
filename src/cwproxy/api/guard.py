"""What uvicorn lacks at the edge of a connection (reliability.md A.4), once for both of its HTTP protocols.

* The head of a request must be complete within `HEAD_SECONDS` of its first byte (or of the connection) and within
  `HEAD_BYTES`; otherwise the connection is closed.
* What is left of a body whose request has been answered must come within the same time.
* A client that takes nothing of an answer for `STALL_SECONDS` is disconnected, so that it cannot hold a backend's
  connection for ever.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import ClassVar

HEAD_BYTES = 128 * 1024
"""A piece that ends the head may hold part of the body and counts whole, so the true limit lies up to `PIECE` lower."""

PIECE = 32 * 1024
"""One read of the socket may be longer than `HEAD_BYTES` and hold a short head and the start of a long body."""

HEAD_SECONDS = 10.0
STALL_SECONDS = 60.0


class Guard:
    """The two clocks of one connection. They run only while a head is awaited or writing is paused."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        *,
        head_seconds: float = HEAD_SECONDS,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._head_seconds = head_seconds
        self._stall_seconds = stall_seconds
        self._size = 0
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._unread = 0

    def awaits_head(self) -> None:
        if self._head is None:
            self._head = self._loop.call_later(self._head_seconds, self._transport.close)

    def takes_head(self, size: int) -> bool:
        """Whether `size` more bytes of a head may be looked at; if not, the connection is being closed."""
        self.awaits_head()
        self._size += size
        if self._size <= HEAD_BYTES:
            return True
        self._transport.abort()
        return False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """`data` as the parser is to get it while a head is awaited; nothing more once the connection is closing."""
        for start in range(0, len(data), PIECE):
            if self._transport.is_closing():
                return
            yield data[start : start + PIECE]

    def has_head(self) -> None:
        self._size = 0
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def pause_writing(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        self._stall = self._loop.call_later(self._stall_seconds, self._look)

    def resume_writing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def close(self) -> None:
        self.has_head()
        self.resume_writing()

    def _look(self) -> None:
        """A slow reader is waited for, one that reads nothing is not."""
        if self._transport.get_write_buffer_size() < self._unread:
            self.pause_writing()
        else:
            self._transport.abort()


class Guarded(asyncio.Protocol):
    """Mixed in before one of uvicorn's HTTP protocols: guards its connection, and answers what is no HTTP as JSON."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    stall_seconds: ClassVar[float] = STALL_SECONDS
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._guard = Guard(self.loop, transport, head_seconds=self.head_seconds, stall_seconds=self.stall_seconds)
        self._guard.awaits_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._guard.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._guard.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.close()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's is plain text, at which clients that expect JSON stumble."""
        error = {"message": msg, "type": "invalid_request_error", "param": None, "code": "invalid_http"}
        body = json.dumps({"error": error}).encode()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()
