"""Responses that send themselves: the streamed and the whole form of an answer.

Until the first batch of events, or `limits.hold` seconds, a failure is a real HTTP status; after that it is the
dialect's in-band error, and neither a finish nor `[DONE]` follows it (reliability.md 1.8).
"""

import asyncio
import time
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from cwproxy.api.drain import Drain
from cwproxy.api.exchange import CLIENT_GONE, Exchange
from cwproxy.api.limits import Limits
from cwproxy.api.line import Cause, Cut, Line
from cwproxy.api.refused import describe, draining
from cwproxy.api.seam import Service
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.dialects.openai_chat import ChatRequest, Renderer, complete
from cwproxy.errors import CwproxyError, StreamTruncated
from cwproxy.reply import Folder


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every answer needs of the process."""

    service: Service
    limits: Limits
    drain: Drain
    dumps: Dumps | None = None


class _Answering(Response):
    """Runs `_serve` for as long as the client stays, and turns what goes wrong into what the client is told."""

    def __init__(self, around: Surroundings, request: ChatRequest, exchange: Exchange) -> None:
        super().__init__()
        self._around = around
        self._request = request
        self._exchange = exchange
        self._caller = exchange.caller or ""
        self._id = f"chatcmpl-{exchange.request_id.removeprefix('req_')}"
        self._created = int(time.time())
        exchange.model = request.model
        exchange.stream = request.stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(
            scope, receive, send, start=self._stream_start(), limits=self._around.limits, drain=self._around.drain
        )
        try:
            async with line:
                try:
                    await self._serve(line)
                except CwproxyError as error:
                    if self._exchange.dump is not None:
                        await self._exchange.dump(error)
                    await self._fail(line, error)
        except Cut as cut:
            await self._cut(line, cut.cause)
        except OSError:
            # ASGI servers may raise it from `send` when nobody is there any more.
            await self._cut(line, Cause.CLIENT_GONE)

    def _stream_start(self) -> Message | None:
        raise NotImplementedError

    async def _serve(self, line: Line) -> None:
        raise NotImplementedError

    async def _fail(self, line: Line, error: CwproxyError) -> None:
        failure = describe(error)
        self._exchange.outcome = failure.code or failure.type
        if line.started:
            await line.finish(failure.event())
            return
        self._exchange.status = failure.status
        headers = self._exchange.headers(*failure.headers, *self._notes())
        await line.whole(*_json(failure.status, headers, failure.body()))

    async def _cut(self, line: Line, cause: Cause) -> None:
        self._exchange.outcome = cause.value
        if cause is Cause.CLIENT_GONE:
            self._exchange.status = 200 if line.started else CLIENT_GONE
            return
        if line.finished:
            return
        try:
            async with asyncio.timeout(self._around.limits.last_word):
                await self._fail(line, draining())
        except TimeoutError:
            await line.abort()

    def _notes(self) -> list[tuple[str, str]]:
        """Which parameters had no effect, and which were put into words for the model (compatibility.md 3.2)."""
        named = (("x-cwproxy-ignored", self._request.ignored), ("x-cwproxy-emulated", self._request.emulated))
        return [(name, ",".join(parameters)) for name, parameters in named if parameters]


class StreamedAnswer(_Answering):
    """`text/event-stream`; one write per batch of events."""

    def _stream_start(self) -> Message | None:
        headers = self._exchange.headers(
            ("content-type", "text/event-stream; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
            *self._notes(),
        )
        return {"type": "http.response.start", "status": 200, "headers": headers}

    async def _serve(self, line: Line) -> None:
        request = self._request
        renderer = Renderer(
            id=self._id,
            created=self._created,
            model=request.model,
            include_usage=request.include_usage,
            shape=request.shape,
        )
        feed, write = renderer.feed, line.write
        async with self._around.service.answer(request.conversation, caller=self._caller) as answer:
            async for batch in answer:
                data = feed(batch)
                if renderer.finished:
                    self._exchange.status = 200
                    self._exchange.usage = renderer.usage
                    await line.finish(data)
                    return
                if data:
                    await write(data)
        raise StreamTruncated("The answer ended without an end.")

    async def _fail(self, line: Line, error: CwproxyError) -> None:
        if line.started:
            self._exchange.status = 200
        await super()._fail(line, error)


class WholeAnswer(_Answering):
    """`application/json`: the same events, folded."""

    def _stream_start(self) -> Message | None:
        return None

    async def _serve(self, line: Line) -> None:
        request = self._request
        folder = Folder()
        async with self._around.service.answer(request.conversation, caller=self._caller) as answer:
            async for batch in answer:
                folder.feed(batch)
        reply = folder.reply
        if reply is None:
            raise StreamTruncated("The answer ended without an end.")
        body = complete(reply, id=self._id, created=self._created, model=request.model, shape=request.shape)
        exchange = self._exchange
        exchange.status = 200
        exchange.usage = reply.usage
        headers = exchange.headers(
            ("openai-processing-ms", str(exchange.milliseconds())),
            ("x-cwproxy-usage-source", reply.usage.source),
            *self._notes(),
        )
        await line.whole(*_json(200, headers, body))


def _json(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[Message, bytes]:
    headers = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    return {"type": "http.response.start", "status": status, "headers": headers}, body
