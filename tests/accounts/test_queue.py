"""The queue against a pool that is a list of answers."""

import asyncio

import pytest
from tests.support.virtual_time import BACKEND, Backend

from cwproxy.accounts.pool import Busy, Choice, Exhausted, Lease, Shortage, Want
from cwproxy.accounts.queue import SMALLEST, Queue, worth_waiting

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return BACKEND


ANY = Want()
LONG = Exhausted(Shortage.QUOTA, 900.0, "Used up.")
SHORT = Exhausted(Shortage.THROTTLED, 4.0, "Cooling down.")


class Slots:
    """A pool with so many free slots for each model. It remembers for whom it was asked, and what came back."""

    def __init__(self, free: int = 0) -> None:
        self.free = {None: free, "a": free, "b": free}
        self.otherwise: Choice = Busy()
        self.given = 0
        self.returned: list[Lease] = []
        self.ticks = 0
        self.queue = Queue(self.choose, self.returned.append, self.tick)

    def choose(self, want: Want) -> Choice:
        if not self.free[want.model]:
            return self.otherwise
        self.free[want.model] -= 1
        self.given += 1
        return Lease("one", False, self.given, want.model)

    def tick(self) -> None:
        self.ticks += 1

    def release(self, model: str | None = None) -> None:
        self.free[model] += 1
        self.queue.serve()

    def wait(self, want: Want = ANY, *, within: float = 5.0, places: int = 0) -> "asyncio.Task[Choice]":
        return asyncio.ensure_future(self.queue.wait(want, places=places, within=within))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def number(choice: Choice) -> int:
    assert isinstance(choice, Lease)
    return choice.number


async def test_who_comes_first_is_served_first() -> None:
    slots = Slots()
    waiting = [slots.wait() for _ in range(3)]
    await settle()
    assert len(slots.queue) == 3
    for _ in range(3):
        slots.release()
    assert [number(await task) for task in waiting] == [1, 2, 3]
    assert len(slots.queue) == 0


async def test_nobody_overtakes_those_who_wait() -> None:
    slots = Slots(1)
    assert isinstance(slots.queue.at_once(ANY), Lease)
    first = slots.wait()
    await settle()
    slots.free[None] = 1
    assert isinstance(slots.queue.at_once(ANY), Busy)
    second = slots.wait()
    assert number(await first) == 2
    second.cancel()


async def test_a_crowded_model_does_not_hold_up_another() -> None:
    slots = Slots()
    crowded = slots.wait(Want("a"))
    free = slots.wait(Want("b"))
    await settle()
    slots.release("b")
    assert isinstance(await free, Lease)
    assert not crowded.done()
    slots.release("a")
    assert isinstance(await crowded, Lease)


async def test_the_queue_is_bounded() -> None:
    slots = Slots()
    waiting = [slots.wait() for _ in range(SMALLEST)]
    await settle()
    assert isinstance(await slots.queue.wait(ANY, places=3, within=5.0), Busy)
    wider = slots.wait(places=SMALLEST + 1)
    await settle()
    assert not wider.done()
    for task in (*waiting, wider):
        task.cancel()
    await settle()
    assert len(slots.queue) == 0


async def test_a_queue_that_is_full_of_others_turns_nobody_away_who_can_be_served() -> None:
    slots = Slots()
    crowd = [slots.wait(Want("a")) for _ in range(SMALLEST)]
    await settle()
    slots.free["b"] = 1
    assert isinstance(await slots.queue.wait(Want("b"), places=0, within=5.0), Lease)
    slots.otherwise = LONG
    assert await slots.queue.wait(Want("b"), places=0, within=5.0) == LONG
    for task in crowd:
        task.cancel()
    await settle()


async def test_it_is_waited_for_a_while_only() -> None:
    slots = Slots()
    assert isinstance(await slots.queue.wait(ANY, places=0, within=0.02), Busy)
    slots.otherwise = SHORT
    assert await slots.queue.wait(ANY, places=0, within=0.02) == SHORT
    assert len(slots.queue) == 0


async def test_a_client_that_has_gone_takes_no_place_and_no_account() -> None:
    slots = Slots()
    gone, stays = slots.wait(), slots.wait()
    await settle()
    gone.cancel()
    await settle()
    slots.release()
    assert number(await stays) == 1
    assert not slots.returned


async def test_what_was_given_to_a_client_that_goes_comes_back() -> None:
    slots = Slots()
    gone = slots.wait()
    await settle()
    slots.release()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert [lease.number for lease in slots.returned] == [1]


async def test_a_short_rest_is_waited_for_and_a_long_one_is_not() -> None:
    slots = Slots()
    slots.otherwise = SHORT
    waiting = slots.wait()
    await settle()
    assert not waiting.done()
    slots.otherwise = LONG
    slots.queue.serve()
    assert await waiting == LONG


async def test_the_end_of_a_rest_is_noticed_although_nothing_happens() -> None:
    slots = Slots()
    slots.otherwise = SHORT
    waiting = slots.wait()
    await settle()
    slots.free[None] = 1
    assert number(await waiting) == 1
    assert slots.ticks == 1


def test_what_is_worth_waiting_for() -> None:
    assert worth_waiting(SHORT)
    assert not worth_waiting(LONG)
    assert not worth_waiting(Exhausted(Shortage.CREDENTIALS, None, "Nobody."))
