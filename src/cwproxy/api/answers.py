"""Responses that send themselves: the streamed and the whole form of an answer.

Until the first batch of events, or `limits.hold` seconds, a failure is a real HTTP status; after that it is the
dialect's in-band error, and neither a finish nor `[DONE]` follows it (reliability.md 1.8).
"""

import asyncio
import time
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from functools import partial

import msgspec
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from cwproxy.accounts.callers import LOCAL
from cwproxy.api.drain import Drain
from cwproxy.api.exchange import CLIENT_GONE, Exchange
from cwproxy.api.insistence import insisted
from cwproxy.api.limits import Limits
from cwproxy.api.line import Cause, Cut, Line
from cwproxy.api.load import Load
from cwproxy.api.refused import describe, draining
from cwproxy.api.seam import Answer, Asked, NumberedStream, Service, Stream
from cwproxy.api.searching import Lookup, informed
from cwproxy.codewhisperer.repair import after_invalid_json
from cwproxy.conversation import Conversation
from cwproxy.diagnosis.dumps import Dumps
from cwproxy.errors import ContextLengthExceeded, CwproxyError, InvalidRequest, StreamTruncated
from cwproxy.filters.conformance import fault
from cwproxy.inbound.failures import Failure
from cwproxy.reply import Finished, Folder, Reply, ReplyEvent, StopReason, TextPart, ToolUsePart, Usage


class Surroundings(msgspec.Struct, frozen=True):
    """What every answer needs of the process. strict: refuse what would have no effect."""

    service: Service
    limits: Limits
    drain: Drain
    load: Load
    dumps: Dumps | None = None
    strict: bool = False


class _Answering(Response, ABC):
    """Runs `_serve` for as long as the client stays, and turns what goes wrong into what the client is told."""

    def __init__(self, around: Surroundings, request: Asked, exchange: Exchange, *, strict: bool = False) -> None:
        """strict: refuse what turns out to have no effect."""
        super().__init__()
        self._around = around
        self._request = request
        self._exchange = exchange
        self._strict = strict
        self._caller = exchange.caller or LOCAL
        self._id = request.id_prefix + exchange.request_id.removeprefix("req_")
        self._created = int(time.time())
        self._until = around.service.deadline()
        self._ignored = list(request.ignored)
        self._noted: list[tuple[str, str]] = []
        search_id = "srvtoolu_" + exchange.request_id.removeprefix("req_")[:24]
        self._lookup = Lookup(around.service, self._caller, id=search_id)
        self._start: Message | None = None
        exchange.model = request.model
        exchange.stream = request.stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._start = self._stream_start()
        line = Line(
            scope,
            receive,
            send,
            start=self._start,
            ping=self._exchange.envelope.ping,
            limits=self._around.limits,
            drain=self._around.drain,
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

    @abstractmethod
    def _stream_start(self) -> Message | None: ...

    @abstractmethod
    async def _serve(self, line: Line) -> None: ...

    async def _fail(self, line: Line, error: CwproxyError) -> None:
        exchange, envelope = self._exchange, self._exchange.envelope
        if isinstance(error, ContextLengthExceeded) and exchange.context_param is not None:
            error.param = exchange.context_param
        failure = describe(error)
        exchange.outcome = failure.code or failure.type
        if line.started:
            await line.finish(self._last_words(failure))
            return
        exchange.status = envelope.status(failure)
        headers = exchange.headers(*failure.headers, *self._notes())
        await line.whole(*_json(exchange.status, headers, envelope.body(failure, exchange.request_id)))

    def _last_words(self, failure: Failure) -> bytes:
        """Of a stream that fails."""
        return self._exchange.envelope.event(failure, self._exchange.request_id)

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
        """Which parameters had no effect, which had one in another way, and what was not met in the end
        (compatibility.md 3.2).
        """
        named = (("x-cwproxy-ignored", self._ignored), ("x-cwproxy-emulated", self._request.emulated))
        return [(name, ",".join(parameters)) for name, parameters in named if parameters] + self._noted

    def _ask(self, conversation: Conversation) -> AbstractAsyncContextManager[Answer]:
        if conversation.search is not None:
            return informed(self._lookup, conversation, self._ask, unavailable=self._search_missing)
        ask = partial(
            self._around.service.answer, caller=self._caller, streamed=self._request.stream, until=self._until
        )
        if conversation.tool_choice.mode != "required":
            return ask(conversation)
        return insisted(ask, conversation, unmet=self._call_missing)

    def _check(self, conversation: Conversation, answer: Answer) -> None:
        """Names an effort that the model is not told, or refuses it; and the model, where the client cannot know it."""
        if conversation.any_version:
            self._note("x-cwproxy-model", answer.model.id)
        name = self._request.effort_name
        if conversation.effort is None or answer.takes_effort or name in self._ignored:
            return
        if self._strict:
            raise InvalidRequest(f"`{name}` has no effect on this model.", param=name, code="unsupported_parameter")
        self._ignored.append(name)
        self._headers_changed()

    def _search_missing(self) -> None:
        name = "tools[web_search]"
        if self._strict:
            raise InvalidRequest("The web cannot be searched here.", param="tools", code="unsupported_parameter")
        if name not in self._ignored:
            self._ignored.append(name)
            self._headers_changed()

    def _call_missing(self) -> None:
        self._note("x-cwproxy-tool-choice", "unmet")

    def _note(self, name: str, value: str) -> None:
        if (name, value) not in self._noted:
            self._noted.append((name, value))
            self._headers_changed()

    def _headers_changed(self) -> None:
        """The start of a stream is sent with its first bytes; until then it can tell more."""
        fresh = self._stream_start()
        if self._start is not None and fresh is not None:
            self._start["headers"] = fresh["headers"]


class StreamedAnswer(_Answering):
    """`text/event-stream`; one write per batch of events."""

    _stream: Stream | None = None

    def _stream_start(self) -> Message | None:
        headers = self._exchange.headers(
            ("content-type", "text/event-stream; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
            *self._notes(),
        )
        return {"type": "http.response.start", "status": 200, "headers": headers}

    async def _serve(self, line: Line) -> None:
        if len(self._request.conversations) > 1:
            await self._serve_several(line)
            return
        (conversation,) = self._request.conversations
        renderer = self._stream = self._request.renderer(id=self._id, created=self._created)
        feed, write = renderer.feed, line.write
        data = b""
        async with self._ask(conversation) as answer:
            self._check(conversation, answer)
            unsure = answer.takes_effort
            async for batch in answer:
                if unsure:
                    self._check(conversation, answer)
                    unsure = False
                data = feed(batch)
                if renderer.finished:
                    break
                if data:
                    await write(data)
        if not renderer.finished:
            raise _endless()
        # The account's turn has ended: neither the store nor a slow reader keeps it from the next request.
        if self._exchange.keep is not None and isinstance(renderer, NumberedStream):
            whole = renderer.whole
            if (kept := await self._exchange.keep(whole)) is not whole:
                data = data.replace(whole, kept)  # the last event has it in it as it is
        await self._finish(line, data, renderer.usage)

    async def _serve_several(self, line: Line) -> None:
        """Nothing is sent before every choice has begun, so that the failure of any is a real status."""
        conversations = self._request.conversations
        chorus = self._request.chorus(id=self._id, created=self._created)
        batches: asyncio.Queue[tuple[int, list[ReplyEvent]]] = asyncio.Queue(len(conversations))
        silent = set(range(len(conversations)))
        held: list[bytes] = []
        try:
            async with asyncio.TaskGroup() as group:
                for index, conversation in enumerate(conversations):
                    group.create_task(self._speak(index, conversation, batches))
                while True:
                    index, batch = await batches.get()
                    held.append(chorus.feed(index, batch))
                    if chorus.finished:
                        break
                    silent.discard(index)
                    if line.started or not silent:
                        data = b"".join(held)
                        held.clear()
                        await line.write(data)
        except ExceptionGroup as group_of:
            raise _first(group_of) from None
        await self._finish(line, b"".join(held), chorus.usage)

    async def _speak(
        self, index: int, conversation: Conversation, batches: "asyncio.Queue[tuple[int, list[ReplyEvent]]]"
    ) -> None:
        async with self._ask(conversation) as answer:
            self._check(conversation, answer)
            async for batch in answer:
                self._check(conversation, answer)
                await batches.put((index, batch))
                if type(batch[-1]) is Finished:
                    return
        raise _endless()

    async def _finish(self, line: Line, data: bytes, usage: Usage | None) -> None:
        self._exchange.status = 200
        self._exchange.usage = usage
        await line.finish(data)

    async def _fail(self, line: Line, error: CwproxyError) -> None:
        if line.started:
            self._exchange.status = 200
        await super()._fail(line, error)

    def _last_words(self, failure: Failure) -> bytes:
        if isinstance(self._stream, NumberedStream):
            return self._stream.failed(failure)
        return super()._last_words(failure)


class WholeAnswer(_Answering):
    """`application/json`: the same events, folded."""

    def _stream_start(self) -> Message | None:
        return None

    async def _serve(self, line: Line) -> None:
        request, exchange = self._request, self._exchange
        replies = await self._replies()
        body = request.complete(replies, id=self._id, created=self._created)
        if exchange.keep is not None:
            kept = await exchange.keep(body)
            if kept is not body:
                self._ignored.append("store")
            body = kept
        usage = request.usage(replies)
        exchange.status = 200
        exchange.usage = usage
        timing = exchange.envelope.timing_header
        headers = exchange.headers(
            *([(timing, str(exchange.milliseconds()))] if timing else []),
            ("x-cwproxy-usage-source", usage.source),
            *self._notes(),
        )
        await line.whole(*_json(200, headers, body))

    async def _replies(self) -> list[Reply]:
        conversations = self._request.conversations
        if len(conversations) == 1:
            return [await self._reply(conversations[0])]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._reply(conversation)) for conversation in conversations]
        except ExceptionGroup as group_of:
            raise _first(group_of) from None
        return [task.result() for task in tasks]

    async def _reply(self, conversation: Conversation) -> Reply:
        reply = await self._once(conversation)
        problem = await _problem(conversation, reply)
        if problem is None:
            return reply
        try:
            again = await self._once(after_invalid_json(conversation, _said(reply), problem))
        except CwproxyError:
            again = reply
        if await _problem(conversation, again) is not None:
            self._note("x-cwproxy-json", "invalid")
        return again

    async def _once(self, conversation: Conversation) -> Reply:
        folder = Folder()
        async with self._ask(conversation) as answer:
            self._check(conversation, answer)
            async for batch in answer:
                folder.feed(batch)
            self._check(conversation, answer)
        if folder.reply is None:
            raise _endless()
        return folder.reply


async def _problem(conversation: Conversation, reply: Reply) -> str | None:
    """What is wrong with a JSON answer. One that was cut or that calls a tool is not judged."""
    wanted = conversation.answer
    called = any(isinstance(part, ToolUsePart) for part in reply.parts)
    if wanted is None or called or reply.reason is not StopReason.END_TURN:
        return None
    # In a thread: it may take long, and its library takes a while to load.
    return await asyncio.to_thread(fault, _said(reply), wanted.schema)


def _said(reply: Reply) -> str:
    return "".join(part.text for part in reply.parts if isinstance(part, TextPart))


def _endless() -> StreamTruncated:
    return StreamTruncated("The answer ended without an end.")


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The failure that ended the others."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def _json(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> tuple[Message, bytes]:
    headers = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    return {"type": "http.response.start", "status": status, "headers": headers}, body
