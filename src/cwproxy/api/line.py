"""The client's end of one answer: writing to it, keeping it awake, and noticing that it has gone.

The task of the request writes; one watching task beside it reads `receive()` and looks at the line every few
seconds. Nothing is scheduled per write: the hot path is an await of `send`.
"""

import asyncio
from enum import Enum
from types import TracebackType
from typing import Self

from starlette.types import Message, Receive, Scope, Send

from cwproxy.api.drain import Drain
from cwproxy.api.limits import Limits

ABORT = "cwproxy.abort"
"""An extension of the scope: `{"call": function}`, which closes the connection at once. Our servers have it."""


class Cause(Enum):
    """Why an answer was cut from outside."""

    CLIENT_GONE = "client_gone"
    SHUTDOWN = "server_shutdown"


class Cut(Exception):
    """The answer was cut; raised at the end of the `async with line` block."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class Line:
    """Use it as a context manager around everything that may be cut; leaving it raises Cut when it was.

    start: the `http.response.start` of a stream. It is sent with the first bytes, or after `limits.hold` seconds
    with a ping; None for an answer in one piece, which gets no pings. ping: the bytes of one.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        start: Message | None,
        ping: bytes,
        limits: Limits,
        drain: Drain,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start = start
        self._ping_bytes = ping
        self._limits = limits
        self._drain = drain
        self._task: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._cause: Cause | None = None
        self._writes = 0
        self._writing = False
        self._pinging: asyncio.Future[None] | None = None
        self._left = False
        self.started = False
        self.finished = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        # Held by this object and cancelled when the block is left; a TaskGroup would wait for it.
        self._watcher = asyncio.get_running_loop().create_task(self._watch())
        self._drain.add(self._shut_down)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        self._drain.discard(self._shut_down)
        watcher, task = self._watcher, self._task
        # The watcher's frame refers to this object: kept, they would wait for the collector with all they hold.
        self._watcher = self._task = None
        if watcher is not None:
            watcher.cancel()
        if self._cause is not None and task is not None:
            task.uncancel()
            if kind is None or issubclass(kind, asyncio.CancelledError):
                raise Cut(self._cause) from error

    async def write(self, data: bytes) -> None:
        """A piece of a stream; the first one brings status and headers."""
        if self._pinging is not None:
            await self._pinging
        self._writes += 1
        self._writing = True
        if not self.started:
            await self._begin()
        await self._put({"type": "http.response.body", "body": data, "more_body": True})
        self._writing = False

    async def finish(self, data: bytes) -> None:
        """The last piece of a stream."""
        if self._pinging is not None:
            await self._pinging
        await self._last(data)

    async def whole(self, start: Message, body: bytes) -> None:
        """An answer in one piece. It is not cut any more: a server takes it at once, and it cannot be ended early."""
        self.started = self.finished = True
        await self._put(start)
        await self._put({"type": "http.response.body", "body": body, "more_body": False})

    async def abort(self) -> None:
        """Close the connection so that the client cannot take the answer for complete."""
        extension = self._scope.get("extensions", {}).get(ABORT)
        if extension is not None:
            extension["call"]()
            await asyncio.sleep(0)

    async def _last(self, data: bytes) -> None:
        self._writes += 1
        self._writing = True
        if not self.started:
            await self._begin()
        await self._put({"type": "http.response.body", "body": data, "more_body": False})
        # The server reports the end of a finished response as a disconnect, too.
        self.finished = True
        self._writing = False

    async def _begin(self) -> None:
        if self._start is not None:
            self.started = True
            await self._put(self._start)

    async def _put(self, message: Message) -> None:
        """ASGI servers may raise OSError when nobody is there any more; anybody else's is a defect and goes up."""
        try:
            await self._send(message)
        except OSError as error:
            raise Cut(Cause.CLIENT_GONE) from error

    def _shut_down(self) -> None:
        self._end(Cause.SHUTDOWN)

    def _end(self, cause: Cause) -> None:
        if not (self._cause or self._left or self.finished) and self._task is not None:
            self._cause = cause
            self._task.cancel()

    async def _watch(self) -> None:
        """Looks twice per ping interval, so that no silence is longer than one; so, too, after the first look, which is
        for the status.
        """
        seen = 0
        wait, half = self._limits.hold, self._limits.ping / 2
        rest = self._limits.ping - wait
        while True:
            try:
                async with asyncio.timeout(wait):
                    message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._end(Cause.CLIENT_GONE)
                    return
            except TimeoutError:
                if self._start is not None and self._writes == seen and not self._writing and not self.finished:
                    await self._ping()
                seen = self._writes
                wait, rest = rest if 0 < rest < half else half, half

    async def _ping(self) -> None:
        """Other writes wait for this one: it may have to send status and headers first."""
        self._pinging = asyncio.get_running_loop().create_future()
        try:
            if not self.started:
                await self._begin()
            await self._put({"type": "http.response.body", "body": self._ping_bytes, "more_body": True})
        except Cut:
            self._end(Cause.CLIENT_GONE)
        finally:
            if not self._pinging.done():
                self._pinging.set_result(None)
            self._pinging = None
