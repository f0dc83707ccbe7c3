"""The clocks and counts of one connection (reliability.md 3E 107, 110, 111)."""

import asyncio

import pytest
from tests.support.virtual_time import BACKEND, Backend
from tests.support.waiting import SECONDS

from cwproxy.api.guard import HEAD_BYTES, PIECE, Guard

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return BACKEND


class Wire(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 0
        self.closed = asyncio.Event()
        self.aborted = asyncio.Event()

    def close(self) -> None:
        self.closed.set()

    def abort(self) -> None:
        self.aborted.set()

    def is_closing(self) -> bool:
        return self.closed.is_set() or self.aborted.is_set()

    def get_write_buffer_size(self) -> int:
        return self.unread


def guard(wire: Wire, *, head: float = 60, stall: float = 60) -> Guard:
    return Guard(asyncio.get_running_loop(), wire, head_seconds=head, stall_seconds=stall)


async def test_a_head_that_does_not_come_closes_the_connection() -> None:
    wire = Wire()
    guard(wire, head=0.01).awaits_head()
    await asyncio.wait_for(wire.closed.wait(), SECONDS)


async def test_pieces_end_when_the_connection_is_closing() -> None:
    wire = Wire()
    pieces = guard(wire).pieces(bytes(3 * PIECE))
    assert next(pieces) == bytes(PIECE)
    wire.close()
    assert list(pieces) == []
    assert [len(piece) for piece in guard(Wire()).pieces(bytes(PIECE + 1))] == [PIECE, 1]


async def test_bytes_that_drip_do_not_extend_the_time() -> None:
    wire = Wire()
    slow = guard(wire, head=0.05)
    slow.awaits_head()
    for _ in range(20):
        assert slow.takes_head(1)
        await asyncio.sleep(0.005)
    assert wire.closed.is_set()


async def test_a_complete_head_stops_the_clock_and_the_count() -> None:
    wire = Wire()
    patient = guard(wire, head=0.01)
    for _ in range(3):
        assert patient.takes_head(HEAD_BYTES)
        patient.has_head()
    patient.has_head()
    await asyncio.sleep(0.03)
    assert not wire.closed.is_set()
    assert not wire.aborted.is_set()


async def test_a_head_that_grows_too_long_ends_the_connection() -> None:
    wire = Wire()
    counting = guard(wire)
    assert counting.takes_head(HEAD_BYTES)
    assert not counting.takes_head(1)
    assert wire.aborted.is_set()
    counting.close()


async def test_a_client_that_reads_nothing_is_disconnected() -> None:
    wire = Wire()
    wire.unread = 100
    guard(wire, stall=0.01).pause_writing()
    await asyncio.wait_for(wire.aborted.wait(), SECONDS)


async def test_a_client_that_reads_slowly_is_waited_for() -> None:
    wire = Wire()
    wire.unread = 100
    slow = guard(wire, stall=1.5)
    slow.pause_writing()
    for _ in range(10):
        wire.unread -= 1
        await asyncio.sleep(0.2)
    assert not wire.aborted.is_set()
    slow.resume_writing()
    slow.resume_writing()
    await asyncio.sleep(0.05)
    assert not wire.aborted.is_set()


async def test_a_lost_connection_has_no_clocks() -> None:
    wire = Wire()
    gone = guard(wire, head=0.01, stall=0.01)
    gone.awaits_head()
    gone.pause_writing()
    gone.close()
    await asyncio.sleep(0.03)
    assert not wire.closed.is_set()
    assert not wire.aborted.is_set()
