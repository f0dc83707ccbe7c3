"""The service against a backend that is a list of byte strings: what is repeated, what is not, what is given out."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import httpx
import pytest
from tests.support.rasters import png

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.conversation import Conversation, RemoteImage, SystemTurn, Text, Tool, UserTurn
from cwproxy.errors import (
    BackendTimeout,
    BackendUnavailable,
    BrokenStream,
    CredentialRejected,
    EmptyReply,
    InvalidRequest,
    LoginRequired,
    ModelNotFound,
    StreamTruncated,
    ToolUseTruncated,
)
from cwproxy.eventstream import encode
from cwproxy.reply import Finished, ReasoningPart, Reply, ReplyEvent, StopReason, TextDelta, TextPart, Usage, fold
from cwproxy.service import CATALOG_SECONDS, LISTING_PAUSE, MAX_PAGES, Options, Service
from cwproxy.upstream import Upstream
from cwproxy.upstream.fetching import Fetcher
from cwproxy.upstream.pictures import Pictures
from cwproxy.upstream.workspace import Workspace

pytestmark = pytest.mark.anyio

MODELS: dict[str, object] = {
    "models": [
        {"modelId": "auto", "modelName": "Auto", "tokenLimits": {"maxInputTokens": 1000}},
        {"modelId": "claude-sonnet-4.5", "modelName": "Claude Sonnet 4.5", "tokenLimits": {"maxInputTokens": 200_000}},
    ],
    "defaultModel": {"modelId": "auto"},
}


def event(kind: str, payload: object) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encode(headers, json.dumps(payload).encode())


def text(content: str) -> bytes:
    return event("assistantResponseEvent", {"content": content})


METERING = event("meteringEvent", {"usage": 0.1, "unit": "credit"})
EXCEPTION = encode(
    {":message-type": "exception", ":exception-type": "throttlingError"}, b'{"message":"Too many requests"}'
)
WHOLE = text("Hel") + text("lo") + METERING


class Backend(httpx.AsyncBaseTransport):
    """Answers each chat call with the next script entry; the last one is repeated."""

    def __init__(self, *script: bytes | tuple[int, bytes] | Exception) -> None:
        self.script = list(script)
        self.chats: list[dict[str, object]] = []
        self.headers: list[httpx.Headers] = []
        self.listings = 0
        self.list_status = 200
        self.list_gate = asyncio.Event()
        self.list_gate.set()
        self.models: dict[str, object] = MODELS
        self.open = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if b"ListAvailableModels" in request.headers.raw.__repr__().encode():
            self.listings += 1
            await asyncio.sleep(0)
            await self.list_gate.wait()
            return httpx.Response(self.list_status, json=self.models)
        self.chats.append(json.loads(await request.aread()))
        self.headers.append(request.headers)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            return httpx.Response(answer[0], content=answer[1])
        return httpx.Response(200, stream=_Body(self, answer))


class _Body(httpx.AsyncByteStream):
    def __init__(self, backend: Backend, data: bytes) -> None:
        self.backend = backend
        self.data = data
        backend.open += 1
        backend.reached.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 97):
            await self.backend.gate.wait()
            yield self.data[start : start + 97]

    async def aclose(self) -> None:
        self.backend.open -= 1


@asynccontextmanager
async def running(
    backend: Backend,
    options: Options | None = None,
    clock: Callable[[], float] = monotonic,
    surface: Surface = Surface.Q,
) -> AsyncIterator[Service]:
    async def select() -> Selected:
        return Selected("a", Target(surface, "us-east-1", "http://backend"), httpx.Auth())

    upstream = Upstream(transport=backend)
    yield Service(select=select, upstream=upstream, options=options or Options(), clock=clock)
    await upstream.aclose()


def ask(prompt: str = "Hello", model: str = "auto") -> Conversation:
    return Conversation(model=model, turns=(SystemTurn("Be brief."), UserTurn((Text(prompt),))))


async def reply(service: Service, conversation: Conversation | None = None) -> Reply:
    events: list[ReplyEvent] = []
    async with service.answer(conversation or ask(), caller=LOCAL) as answer:
        async for batch in answer:
            assert batch
            events += batch
    return fold(events)


async def test_an_answer() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        answer = await reply(service)
    assert answer.parts == (TextPart("Hello"),)
    assert answer.reason is StopReason.END_TURN
    assert answer.usage.credits == pytest.approx(0.1)
    assert backend.open == 0


async def test_models_are_listed_once_for_all_who_ask() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        catalogs = await asyncio.gather(*(service.models() for _ in range(5)))
        await reply(service)
    assert backend.listings == 1
    assert {model.id for model in catalogs[0].models} == {"auto", "claude-sonnet-4.5"}


async def test_unknown_models_are_refused_before_any_call() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        with pytest.raises(ModelNotFound):
            await reply(service, ask(model="gpt-2"))
    assert not backend.chats


async def test_a_list_that_cannot_be_had_does_not_stop_chats() -> None:
    backend = Backend(WHOLE)
    backend.list_status = 500
    async with running(backend, Options(aliases={"fast": "claude-haiku-4.5"})) as service:
        with pytest.raises(BackendUnavailable):
            await service.models()
        await reply(service, ask(model="fast"))
        await reply(service, ask(model="auto"))
    assert "claude-haiku-4.5" in json.dumps(backend.chats[0])
    assert "modelId" not in json.dumps(backend.chats[1])


@pytest.mark.parametrize(
    "fault",
    [
        (503, b"{}"),
        (500, b'{"message":"Encountered unexpectedly high load when processing the request, please try again."}'),
        httpx.ReadError("reset"),
        b"",
        EXCEPTION,
        WHOLE[:20],
        event("messageMetadataEvent", {"conversationId": "x"}),
    ],
    ids=["503", "capacity", "reset", "empty", "exception first", "cut first frame", "metadata only"],
)
async def test_faults_before_content_are_repeated(fault: bytes | tuple[int, bytes] | Exception) -> None:
    backend = Backend(fault, WHOLE)
    async with running(backend) as service:
        assert (await reply(service)).parts == (TextPart("Hello"),)
    assert len(backend.chats) == 2
    assert backend.chats[0] == backend.chats[1]
    ids = {headers["amz-sdk-invocation-id"] for headers in backend.headers}
    assert len(ids) == 1
    assert [headers["amz-sdk-request"].split(";")[0] for headers in backend.headers] == ["attempt=1", "attempt=2"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((400, b'{"message":"Improperly formed request.","reason":null}'), InvalidRequest),
        ((403, b'{"message":"The bearer token included in the request is invalid."}'), CredentialRejected),
    ],
)
async def test_refusals_are_not(fault: tuple[int, bytes], error: type[Exception]) -> None:
    backend = Backend(fault)
    async with running(backend) as service:
        with pytest.raises(error):
            await reply(service)
    assert len(backend.chats) == 1


async def test_three_attempts_are_all() -> None:
    backend = Backend((503, b"{}"))
    async with running(backend) as service:
        with pytest.raises(BackendUnavailable):
            await reply(service)
    assert len(backend.chats) == 3


TOOL_OPEN = event("toolUseEvent", {"toolUseId": "t1", "name": "f", "input": '{"a":'})
BAD_CRC = text("x")[:-1] + b"\x00"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (text("Hel") + EXCEPTION, Exception),
        (text("Hel") + WHOLE[:25], BrokenStream),
        (text("Hel") + BAD_CRC, BrokenStream),
        (text("Hel") + TOOL_OPEN, ToolUseTruncated),
        (text("Hel") + TOOL_OPEN + METERING, ToolUseTruncated),
        (text("Hel"), StreamTruncated),
    ],
    ids=["exception", "cut frame", "bad crc", "tool open", "tool open and metering", "no trailer"],
)
async def test_faults_after_content_are_raised_once_what_was_good_is_out(data: bytes, error: type[Exception]) -> None:
    backend = Backend(data)
    said: list[ReplyEvent] = []
    async with running(backend) as service, service.answer(ask(), caller=LOCAL) as answer:
        with pytest.raises(error):
            async for batch in answer:
                said += batch
    assert TextDelta(0, "Hel") in said
    assert said.count(TextDelta(0, "Hel")) == 1
    assert not any(isinstance(item, Finished) for item in said)
    assert len(backend.chats) == 1


async def test_an_account_without_trailers_is_believed_after_two_streams() -> None:
    backend = Backend(text("Hello"))
    async with running(backend) as service:
        for _ in range(2):
            with pytest.raises(StreamTruncated):
                await reply(service)
        assert (await reply(service)).parts == (TextPart("Hello"),)
        backend.script = [WHOLE]
        await reply(service)
        backend.script = [text("Hello")]
        with pytest.raises(StreamTruncated):
            await reply(service)


async def test_a_trailer_counts_for_readers_who_stop_at_the_finish() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        async with service.answer(ask(), caller=LOCAL) as answer:
            async for batch in answer:
                if any(isinstance(item, Finished) for item in batch):
                    break
        backend.script = [text("Hello")]
        for _ in range(4):
            with pytest.raises(StreamTruncated):
                await reply(service)


async def test_nothing_at_all_is_an_error_in_the_end() -> None:
    backend = Backend(b"")
    async with running(backend) as service:
        with pytest.raises(EmptyReply):
            await reply(service)


async def test_leaving_closes_the_backends_connection() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        async with service.answer(ask(), caller=LOCAL) as answer:
            async for _ in answer:
                assert backend.open == 1
                break
        assert backend.open == 0
        async with service.answer(ask(), caller=LOCAL):
            pass
        assert backend.open == 0


async def test_cancelling_closes_the_backends_connection() -> None:
    backend = Backend(WHOLE)
    backend.gate.clear()
    async with running(backend) as service:
        task = asyncio.ensure_future(reply(service))
        await backend.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert backend.open == 0


async def test_the_deadline_of_a_request() -> None:
    backend = Backend(WHOLE * 50)
    async with running(backend, Options(request_seconds=-1.0)) as service:
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)


async def test_conversation_ids_are_stable_and_separate_callers() -> None:
    backend = Backend(WHOLE)
    named = Conversation(model="auto", turns=(UserTurn((Text("x"),)),), name="mine")
    async with running(backend) as service:
        ids = []
        for conversation, caller in [(ask(), "a"), (ask(), "a"), (ask(), "b"), (named, "a"), (named, "b")]:
            async with service.answer(conversation, caller=Caller(caller)) as answer:
                ids.append(answer.conversation_id)
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


async def test_big_conversations_are_converted_elsewhere_and_come_out_the_same() -> None:
    long = "word " * 120_000
    tool = Tool("f", "d", json.dumps({"type": "object", "properties": {"a": {"description": long}}}).encode())
    conversation = Conversation(model="auto", turns=(UserTurn((Text("hi"),)),), tools=(tool,))
    backend = Backend(WHOLE)
    async with running(backend) as service:
        answer = await reply(service, conversation)
    assert answer.usage.input_tokens > 50_000
    assert len(backend.chats) == 1


async def test_the_workspace_is_told_only_when_wanted(tmp_path: Path) -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        await reply(service)
    async with running(backend, Options(workspace=Workspace(tmp_path, ("SECRET_NAME",)))) as service:
        await reply(service)
    quiet, talkative = (json.dumps(chat) for chat in backend.chats)
    assert str(tmp_path) not in quiet
    assert "SECRET_NAME" not in quiet
    assert str(tmp_path) in talkative
    assert "SECRET_NAME" in talkative


async def test_links_to_pictures_are_followed_only_when_wanted() -> None:
    async def resolve(host: str) -> tuple[str, ...]:
        return ("93.184.215.14",)

    web = httpx.MockTransport(lambda _: httpx.Response(200, content=png(2, 2)))
    link = RemoteImage("https://example.com/cat.png", "messages[0].content[0].image_url.url")
    asked = Conversation("auto", (UserTurn((link,)),))
    backend = Backend(WHOLE)
    async with running(backend) as service:
        with pytest.raises(InvalidRequest, match="Remote pictures are not fetched"):
            await reply(service, asked)
    async with running(backend, Options(pictures=Pictures(Fetcher(resolve=resolve, transport=web)))) as service:
        await reply(service, asked)
    (chat,) = backend.chats
    assert b64encode(png(2, 2)).decode() in json.dumps(chat)


async def test_readiness_says_why_not() -> None:
    async def nobody() -> Selected:
        raise LoginRequired("No account is logged in. Run `cwproxy login`.")

    upstream = Upstream(transport=Backend(WHOLE))
    service = Service(select=nobody, upstream=upstream, options=Options())
    readiness = await service.readiness()
    assert not readiness.ready
    assert "cwproxy login" in readiness.detail
    await upstream.aclose()
    async with running(Backend(WHOLE)) as other:
        assert (await other.readiness()).ready


async def test_a_stale_list_is_better_than_none() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    async with running(backend, clock=lambda: now) as service:
        await service.models()
        now += CATALOG_SECONDS + 1
        backend.list_status = 500
        assert (await service.models()).models
        assert (await service.models()).models
        assert backend.listings == 2
        now += LISTING_PAUSE + 1
        backend.list_status = 200
        await service.models()
        await service.models()
        assert backend.listings == 3


async def test_usage_is_marked() -> None:
    metadata = event("metadataEvent", {"tokenUsage": {"uncachedInputTokens": 7, "outputTokens": 3, "totalTokens": 10}})
    backend = Backend(text("Hello") + metadata)
    async with running(backend) as service:
        usage = (await reply(service)).usage
    assert usage == Usage(7, 3, "backend")


async def test_a_list_that_never_ends_is_cut() -> None:
    backend = Backend(WHOLE)
    backend.models = {**MODELS, "nextToken": "again"}
    async with running(backend) as service:
        assert (await service.models()).models
    assert backend.listings == MAX_PAGES


async def test_a_failed_listing_is_not_tried_again_by_everybody() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    backend.list_status = 503
    async with running(backend, clock=lambda: now) as service:
        await asyncio.gather(*(reply(service) for _ in range(10)))
        assert backend.listings == 1
        now += LISTING_PAUSE + 1
        await reply(service)
    assert backend.listings == 2
    assert len(backend.chats) == 11


async def test_a_listing_that_is_refused_is_not_the_clients_fault() -> None:
    backend = Backend(WHOLE)
    backend.list_status = 400
    async with running(backend) as service:
        with pytest.raises(BackendUnavailable, match="refused to list"):
            await service.models()
        assert (await reply(service)).parts == (TextPart("Hello"),)


async def test_silence_does_not_outlast_the_deadline() -> None:
    backend = Backend(WHOLE)
    backend.gate.clear()
    async with running(backend, Options(request_seconds=0.05)) as service, asyncio.timeout(2.0):
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)
    assert backend.open == 0


EFFORTS = {"properties": {"reasoning": {"properties": {"effort": {"enum": ["low", "high"]}}}}}
FIELDS = "additionalModelRequestFields"
IMPROPER = (400, b'{"__type":"ValidationException","message":"Improperly formed request."}')


def thinking(backend: Backend) -> Conversation:
    """What asks for an effort that the model takes."""
    backend.models = {"models": [{"modelId": "gpt", "additionalModelRequestFieldsSchema": EFFORTS}]}
    return replace(ask(model="gpt"), effort="high")


async def effects(service: Service, conversation: Conversation) -> tuple[bool, bool]:
    """Whether the effort is said to take effect, before and after the answer."""
    async with service.answer(conversation, caller=LOCAL) as answer:
        before = answer.takes_effort
        async for _ in answer:
            pass
        return before, answer.takes_effort


async def test_effort_is_told_to_a_model_that_takes_it() -> None:
    backend = Backend(WHOLE)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        assert await effects(service, asked) == (True, True)
        assert await effects(service, replace(asked, effort=None)) == (False, False)
    assert [chat.get(FIELDS) for chat in backend.chats] == [{"reasoning": {"effort": "high"}}, None]


async def test_effort_is_told_on_the_kiro_surface_only() -> None:
    backend = Backend(WHOLE)
    async with running(backend) as service:
        assert await effects(service, thinking(backend)) == (False, False)
    assert FIELDS not in backend.chats[0]


async def test_an_account_that_may_not_send_effort_is_remembered() -> None:
    backend = Backend(IMPROPER, WHOLE)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        assert await effects(service, asked) == (True, False)
        assert await effects(service, asked) == (False, False)
    assert [FIELDS in chat for chat in backend.chats] == [True, False, False]


@pytest.mark.parametrize(
    ("script", "error", "calls"),
    [
        ((IMPROPER,), InvalidRequest, 2),
        (((400, b'{"reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD","message":"Input is too long."}'),), InvalidRequest, 1),
        (
            (text("Hel") + encode({":message-type": "exception", ":exception-type": "ValidationException"}, b"{}"),),
            InvalidRequest,
            1,
        ),
    ],
    ids=["improper without it, too", "too long", "after content"],
)
async def test_what_has_another_reason_is_not_remembered(
    script: tuple[bytes | tuple[int, bytes], ...], error: type[Exception], calls: int
) -> None:
    backend = Backend(*script)
    asked = thinking(backend)
    async with running(backend, surface=Surface.KIRO) as service:
        with pytest.raises(error):
            await effects(service, asked)
        assert len(backend.chats) == calls
        backend.script = [WHOLE]
        assert await effects(service, asked) == (True, True)


@pytest.mark.parametrize("parse", [False, True])
async def test_thinking_tags_are_taken_out_when_wanted(parse: bool) -> None:
    backend = Backend(text("<thinking>hm</thin") + text("king>\n\nYes") + METERING)
    async with running(backend, Options(parse_thinking_tags=parse)) as service:
        parts = (await reply(service)).parts
    assert parts == (
        (ReasoningPart("hm", ""), TextPart("Yes")) if parse else (TextPart("<thinking>hm</thinking>\n\nYes"),)
    )
