"""uvicorn's fast HTTP protocol with our limits. Importing this needs httptools."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cwproxy.api.guard import HEAD_SECONDS, STALL_SECONDS, Guard
from cwproxy.api.line import ABORT


class GuardedHttpTools(HttpToolsProtocol):
    """Gives the application `cwproxy.abort` (see `line.ABORT`)."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    stall_seconds: ClassVar[float] = STALL_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._guard = Guard(self.loop, transport, head_seconds=self.head_seconds, stall_seconds=self.stall_seconds)
        self._guard.awaits_head()
        self._in_head = True

    def data_received(self, data: bytes) -> None:
        for piece in self._guard.pieces(data) if self._in_head else (data,):
            if self._in_head and not self._guard.takes_head(len(piece)):
                return
            super().data_received(piece)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"call": self.transport.abort}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._guard.has_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._guard.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._guard.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.close()
        super().connection_lost(exc)
