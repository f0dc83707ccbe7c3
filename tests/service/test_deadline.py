"""No answer outlasts its request."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace
from tests.support.scripted_backend import METERING, WHOLE, Backend, Torn, ask, event, reply, running, text
from tests.support.waiting import SECONDS

from cwproxy.accounts.callers import LOCAL
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.errors import BackendTimeout, BackendUnavailable
from cwproxy.reply import Finished, ReplyEvent, TextPart, ToolUsePart
from cwproxy.service import Options
from cwproxy.service.deadline import batches
from cwproxy.upstream.reading import Reading

pytestmark = pytest.mark.anyio


async def test_the_deadline_of_a_request() -> None:
    backend = Backend(WHOLE * 50)
    async with running(backend, Options(request_seconds=-1.0)) as service:
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)
    assert not backend.chats


async def test_the_answers_of_one_request_share_its_deadline() -> None:
    now = 1000.0
    backend = Backend(WHOLE)
    async with running(backend, Options(request_seconds=60.0), clock=Clock(monotonic=lambda: now)) as service:
        until = service.deadline()
        async with service.answer(ask(), caller=LOCAL, until=until) as answer:
            async for _ in answer:
                pass
        now += 61.0
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            async with service.answer(ask(), caller=LOCAL, until=until):
                pass
        await reply(service)
    assert len(backend.chats) == 2


async def test_silence_does_not_outlast_the_deadline() -> None:
    backend = Backend(WHOLE)
    backend.gate.clear()
    async with running(backend, Options(request_seconds=0.05)) as service, asyncio.timeout(SECONDS):
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)
    assert backend.open == 0


RESET = httpx.ReadError("reset")
METER = event("contextUsageEvent", {"contextUsagePercentage": 3.0})
STOP = event("metadataEvent", {"stopReason": "END_TURN"})
OPEN = event("toolUseEvent", {"toolUseId": "t1", "name": "f", "input": '{"a":1}'})
CLOSED = OPEN + event("toolUseEvent", {"toolUseId": "t1", "name": "f", "stop": True})


@pytest.mark.parametrize(
    "data",
    [WHOLE, text("Hello") + STOP, text("Hello") + METER, text("Hello") + STOP + METER + METERING[:30], CLOSED + METER],
    ids=["bill", "stop reason", "context meter", "cut behind the stop reason", "closed call, context meter"],
)
@pytest.mark.parametrize("fault", [RESET, httpx.ReadTimeout("silent")], ids=["reset", "silence"])
async def test_a_whole_answer_is_whole_however_the_connection_ends(data: bytes, fault: Exception) -> None:
    backend = Backend(Torn(data, fault))
    async with running(backend) as service:
        answer = await reply(service)
    assert answer.parts == ((ToolUsePart("t1", "f", '{"a":1}'),) if data == CLOSED + METER else (TextPart("Hello"),))
    assert len(backend.chats) == 1
    assert backend.open == 0


@pytest.mark.parametrize(
    "data",
    [
        text("Hello"),
        METER + text("Hello"),
        text("Hello") + METER + text("!"),
        text("Hello") + METER + text("!")[:40],
        OPEN,
        OPEN + STOP,
        CLOSED,
        CLOSED + text("and"),
        CLOSED + OPEN[:30],
    ],
    ids=[
        "text",
        "early meter",
        "text behind",
        "cut behind the meter",
        "open call",
        "open, stop",
        "closed",
        "on",
        "cut call",
    ],
)
async def test_a_broken_answer_is_no_whole_one(data: bytes) -> None:
    backend = Backend(Torn(data, RESET))
    async with running(backend) as service:
        for _ in range(4):  # nor when the account has been seen to send no trailers
            said: list[ReplyEvent] = []
            with pytest.raises(BackendUnavailable):
                async with service.answer(ask(), caller=LOCAL, streamed=True) as answer:
                    async for batch in answer:
                        said += batch
            assert said
            assert not any(isinstance(item, Finished) for item in said)


async def test_an_end_that_has_been_told_is_not_waited_for_long() -> None:
    backend = Backend(Torn(WHOLE))
    async with running(backend) as service, asyncio.timeout(SECONDS):
        assert (await reply(service)).parts == (TextPart("Hello"),)
    assert backend.open == 0


async def test_nothing_is_read_after_the_deadline() -> None:
    async def reads() -> AsyncIterator[bytes]:
        yield text("Hello")

    reading = Reading(Assembler({}, input_tokens=1, window=None))
    with pytest.raises(BackendTimeout, match="longer than a whole request"):
        async for _ in batches(reads(), reading, lambda: 1000.0, 999.0):
            pass


async def test_nothing_is_read_after_the_filters_have_ended_the_answer() -> None:
    backend = Backend(Torn(text("one STOP two")))
    async with running(backend) as service, asyncio.timeout(SECONDS):
        assert (await reply(service, replace(ask(), stop=("STOP",)))).parts == (TextPart("one "),)
    assert backend.open == 0
