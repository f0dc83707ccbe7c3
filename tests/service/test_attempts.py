"""What is repeated, what is not, and what is given out."""

import asyncio

import httpx
import pytest
from tests.support.scripted_backend import EXCEPTION, METERING, WHOLE, Backend, Torn, ask, event, reply, running, text

from cwproxy.accounts.callers import LOCAL
from cwproxy.accounts.pool import Backoff, Policy
from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendUnavailable,
    BrokenStream,
    CredentialRejected,
    EmptyReply,
    InvalidRequest,
    StreamTruncated,
    ToolUseTruncated,
)
from cwproxy.reply import Finished, ReplyEvent, TextDelta, TextPart
from cwproxy.store.ledger import Record

pytestmark = pytest.mark.anyio


class Told:
    """What is written into the ledger."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def record(self, record: Record) -> None:
        self.records.append(record)

    @property
    def endings(self) -> list[tuple[str, str | None, int]]:
        return [(it.outcome, it.failure_class, it.attempt) for it in self.records]


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


async def test_every_attempt_is_told_once_with_what_it_has_used() -> None:
    told = Told()
    backend = Backend((503, b"{}"), WHOLE)
    async with running(backend, accounts=("a", "b"), recorder=told) as service:
        await reply(service)
        async with service.answer(ask(), caller=LOCAL, streamed=True) as answer:
            async for _ in answer:
                break
        backend.script = [(400, b'{"message":"Improperly formed request."}')]
        with pytest.raises(InvalidRequest):
            await reply(service)
    assert [(it.outcome, it.failure_class, it.attempt, it.streamed) for it in told.records] == [
        ("failed", "server", 1, False),
        ("served", None, 2, False),
        ("left", None, 1, True),
        ("failed", "request", 1, False),
    ]
    served = told.records[1]
    assert served.credits == pytest.approx(0.1)
    assert served.first_seconds is not None
    assert served.first_seconds <= served.seconds
    assert {it.account_id for it in told.records[:2]} == {"a", "b"}


TORN = Torn(text("Hel"), httpx.ReadError("reset"))


@pytest.mark.parametrize("accounts", [("a",), ("a", "b")], ids=["one account", "two accounts"])
async def test_an_answer_nobody_has_yet_is_asked_for_anew_once_where_the_connection_broke(
    accounts: tuple[str, ...],
) -> None:
    told = Told()
    backend = Backend(TORN, WHOLE)
    async with running(backend, accounts=accounts, recorder=told) as service:
        assert (await reply(service)).parts == (TextPart("Hello"),)
        assert told.endings == [("failed", "broken_stream", 1), ("served", None, 2)]
        backend.script = [TORN]
        with pytest.raises(BackendUnavailable):
            await reply(service)
    assert told.endings[2:] == [("failed", "broken_stream", 1), ("failed", "broken_stream", 2)]
    assert backend.open == 0


@pytest.mark.parametrize(
    "fault",
    [text("Hel"), text("Hel") + EXCEPTION, text("Hel") + BAD_CRC, text("Hel") + TOOL_OPEN],
    ids=["cut", "exception", "bad crc", "open call"],
)
async def test_what_the_backend_itself_broke_off_is_not_asked_for_anew(fault: bytes) -> None:
    backend = Backend(fault, WHOLE)
    async with running(backend) as service:
        with pytest.raises(BackendError):
            await reply(service)
    assert len(backend.chats) == 1


async def test_a_stream_that_has_begun_is_not_asked_for_anew() -> None:
    backend = Backend(TORN, WHOLE)
    async with running(backend) as service, service.answer(ask(), caller=LOCAL, streamed=True) as answer:
        with pytest.raises(BackendUnavailable):
            async for _ in answer:
                pass
    assert len(backend.chats) == 1


async def test_what_is_repeated_at_once_is_counted_too() -> None:
    told = Told()
    refused = (400, b'{"message":"No.","reason":"CONVERSATION_LIMIT_EXCEEDED"}')
    async with running(Backend(refused, WHOLE), recorder=told) as service:
        await reply(service)
    assert told.endings == [("failed", "request", 1), ("served", None, 2)]


async def test_a_denial_for_a_reason_that_nobody_knows_passes(caplog: pytest.LogCaptureFixture) -> None:
    denied = (403, b'{"__type":"AccessDeniedException","message":"Later.","reason":"SOMETHING_NEW"}')
    async with running(Backend(denied, WHOLE), policy=Policy(refused=Backoff(0.05, 1.0))) as service:
        with pytest.raises(AccountUnusable):
            await reply(service)
        await asyncio.sleep(0.2)
        assert (await reply(service)).parts == (TextPart("Hello"),)
    assert "SOMETHING_NEW" in caplog.text


async def test_a_fault_of_the_request_is_not_repeated_though_it_comes_as_a_server_error() -> None:
    fault = (500, b'{"__type":"InternalServerException","message":"No.","reason":"TOOL_USE_RESULT_MISMATCH"}')
    backend = Backend(fault)
    async with running(backend) as service:
        with pytest.raises(InvalidRequest):
            await reply(service)
    assert len(backend.chats) == 1
