"""The client's end of an answer: written to, kept awake, and left at once when it goes (reliability.md A.2)."""

import asyncio
from contextlib import suppress

import pytest
from starlette.types import Message
from tests.support.api_client import Caller, scope
from tests.support.virtual_time import BACKEND, Backend

from cwproxy.api.drain import Drain
from cwproxy.api.limits import Limits
from cwproxy.api.line import ABORT, Cause, Cut, Line

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
QUICK = Limits(hold=0.01, ping=0.02)


@pytest.fixture
def anyio_backend() -> Backend:
    return BACKEND


def line_of(caller: Caller, *, limits: Limits | None = None, drain: Drain | None = None, stream: bool = True) -> Line:
    return Line(
        scope(),
        caller.receive,
        caller.send,
        start=START if stream else None,
        ping=b": ping\n\n",
        limits=limits or Limits(),
        drain=drain or Drain(),
    )


def bodies(caller: Caller) -> list[bytes]:
    return [message["body"] for message in caller.sent if message["type"] == "http.response.body"]


async def test_the_first_write_brings_status_and_headers() -> None:
    caller = Caller()
    async with line_of(caller) as line:
        assert not line.started
        await line.write(b"a")
        await line.write(b"b")
        await line.finish(b"c")
    assert caller.sent[0] is START
    assert bodies(caller) == [b"a", b"b", b"c"]
    assert [message.get("more_body") for message in caller.sent] == [None, True, True, False]


async def test_a_finish_may_be_the_first_write() -> None:
    caller = Caller()
    async with line_of(caller) as line:
        await line.finish(b"a")
    assert caller.sent[0] is START
    assert bodies(caller) == [b"a"]


async def test_the_end_of_a_response_is_no_departure() -> None:
    caller = Caller()
    async with line_of(caller) as line:
        await line.finish(b"a")
        caller.leave()
        await asyncio.sleep(0.01)
    assert line.finished


async def test_silence_is_filled_with_pings() -> None:
    caller = Caller()
    async with line_of(caller, limits=QUICK) as line:
        await caller.until_sent(3)
        assert line.started
        assert caller.sent[0] is START
        assert set(bodies(caller)) == {b": ping\n\n"}
        await line.finish(b"data")
    assert bodies(caller)[-1] == b"data"
    assert caller.sent.count(START) == 1


async def test_a_stream_that_stops_soon_is_not_silent_for_longer_than_one_that_stops_late() -> None:
    caller = Caller()
    async with line_of(caller, limits=Limits(hold=3.0, ping=3.06)) as line:
        await line.write(b"a")
        async with asyncio.timeout(4.2):
            await caller.until_sent(3)
        await line.finish(b"b")
    assert bodies(caller) == [b"a", b": ping\n\n", b"b"]


async def test_a_stream_that_flows_has_no_pings() -> None:
    caller = Caller()
    async with line_of(caller, limits=Limits(hold=1.5, ping=3.0)) as line:
        for _ in range(20):
            await line.write(b"x")
            await asyncio.sleep(0.2)
        await line.finish(b"")
    assert b": ping\n\n" not in bodies(caller)


async def test_an_answer_in_one_piece_has_no_pings() -> None:
    caller = Caller()
    async with line_of(caller, limits=QUICK, stream=False) as line:
        await asyncio.sleep(0.05)
        assert caller.sent == []
        await line.whole(START, b"{}")
    assert bodies(caller) == [b"{}"]


@pytest.mark.parametrize("last", [False, True])
async def test_writes_wait_for_a_ping_that_is_on_its_way(last: bool) -> None:
    caller = Caller(hold=asyncio.Event())
    async with line_of(caller, limits=QUICK) as line:
        await caller.holding.wait()
        assert caller.hold is not None
        asyncio.get_running_loop().call_later(0.02, caller.hold.set)
        await (line.finish(b"data") if last else line.write(b"data"))
    assert caller.sent[0] is START
    assert bodies(caller) == [b": ping\n\n", b"data"]


async def test_no_ping_cuts_into_a_write() -> None:
    caller = Caller(hold=asyncio.Event())
    async with line_of(caller, limits=QUICK) as line:
        assert caller.hold is not None
        asyncio.get_running_loop().call_later(0.08, caller.hold.set)
        await line.finish(b"data")
    assert bodies(caller) == [b"data"]


async def test_a_client_that_leaves_ends_the_wait_at_once() -> None:
    caller = Caller()
    with pytest.raises(Cut) as caught:
        async with line_of(caller):
            caller.leave()
            await asyncio.Event().wait()
    assert caught.value.cause is Cause.CLIENT_GONE
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_more_of_the_request_is_no_departure() -> None:
    caller = Caller()
    caller.inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    async with line_of(caller) as line:
        await asyncio.sleep(0.01)
        await line.finish(b"")


async def test_a_ping_that_cannot_be_written_is_a_departure() -> None:
    caller = Caller(unwritable=True)
    with pytest.raises(Cut) as caught:
        async with line_of(caller, limits=QUICK):
            await asyncio.Event().wait()
    assert caught.value.cause is Cause.CLIENT_GONE


async def test_clean_up_after_a_cut_may_take_its_time() -> None:
    caller, cleaned = Caller(), False
    with pytest.raises(Cut):
        async with line_of(caller):
            caller.leave()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                cleaned = True
    assert cleaned


async def test_a_cut_that_nobody_felt_is_still_told() -> None:
    caller = Caller()
    with pytest.raises(Cut):
        async with line_of(caller):
            caller.leave()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()


async def test_a_fault_during_a_cut_is_not_hidden() -> None:
    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        async with line_of(caller):
            caller.leave()
            try:
                await asyncio.Event().wait()
            finally:
                raise ZeroDivisionError


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def answer() -> None:
        async with line_of(Caller()):
            await asyncio.Event().wait()

    task = asyncio.create_task(answer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_end_of_the_server_cuts_open_lines_only() -> None:
    drain = Drain()
    async with line_of(Caller(), drain=drain) as line:
        await line.finish(b"")
    with pytest.raises(Cut) as caught:
        async with line_of(Caller(), drain=drain):
            asyncio.get_running_loop().call_soon(drain.cut)
            await asyncio.Event().wait()
    assert caught.value.cause is Cause.SHUTDOWN


async def test_abort_uses_the_servers_extension_where_there_is_one() -> None:
    called: list[str] = []
    asked = {**scope(), "extensions": {ABORT: {"call": lambda: called.append("abort")}}}
    caller = Caller()
    await Line(asked, caller.receive, caller.send, start=None, ping=b"", limits=Limits(), drain=Drain()).abort()
    assert called == ["abort"]
    await line_of(caller).abort()
    assert called == ["abort"]
