"""Requests that wait for an account, first come, first served.

All accounts may be busy, or rest for some seconds; nobody is sent away for that at once (reliability.md 1.8). One
timer for all who wait asks anew a few times a second, because what a rest ends with is no event; otherwise every
settled call is the occasion.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from cwproxy.accounts.pool import Busy, Choice, Exhausted, Lease, Want

SMALLEST = 16
"""Places for those who wait, however few accounts there are."""

PATIENCE_SECONDS = 5.0
"""The longest rest of all accounts that is waited for; a longer one is for the client to wait."""

TICK_SECONDS = 0.25

_Answer: TypeAlias = Lease | Exhausted


class Queue:
    """choose: asks the pool. give_back: returns a lease that nobody takes any more. tick: called now and then while
    anybody waits. Used in one event loop.
    """

    def __init__(
        self, choose: Callable[[Want], Choice], give_back: Callable[[Lease], None], tick: Callable[[], None]
    ) -> None:
        self._choose = choose
        self._give_back = give_back
        self._tick = tick
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def at_once(self, want: Want) -> Choice:
        """The pool's answer; Busy for somebody who would overtake another."""
        return Busy() if self._waiting else self._choose(want)

    async def wait(self, want: Want, *, places: int, within: float) -> Choice:
        """A lease, or why there is none and will not be soon; Busy when there is no place in the queue and others wait
        for the same, or when it has taken longer than `within` seconds.
        """
        if len(self._waiting) >= max(places, SMALLEST):
            return self._unless_overtaking(want)
        waiting = _Waiting(want, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self.serve()
        try:
            async with asyncio.timeout(within):
                return await waiting.answer
        except TimeoutError:
            # It may have come in the very moment.
            return waiting.answer.result() if _is_answered(waiting) else waiting.last
        except BaseException:
            if _is_answered(waiting) and isinstance(lease := waiting.answer.result(), Lease):
                self._give_back(lease)
            raise
        finally:
            self._drop(waiting)

    def _unless_overtaking(self, want: Want) -> Choice:
        """There is no place; but those who wait may all want something else than what is free."""
        self.serve()
        wish = _wish(want)
        return Busy() if any(_wish(waiting.want) == wish for waiting in self._waiting) else self._choose(want)

    def serve(self) -> None:
        """Give out what there is, in order. Who cannot be served does not hold up those behind with another wish."""
        refused: set[tuple[str | None, frozenset[str]]] = set()
        for waiting in tuple(self._waiting):
            wish = _wish(waiting.want)
            if waiting.answer.done() or wish in refused:
                continue
            choice = self._choose(waiting.want)
            waiting.last = choice
            if isinstance(choice, Lease) or (isinstance(choice, Exhausted) and not worth_waiting(choice)):
                waiting.answer.set_result(choice)
                self._drop(waiting)
            else:
                refused.add(wish)
        self._keep_time()

    def _drop(self, waiting: "_Waiting") -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _keep_time(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._waiting:
            self._tick()
            self.serve()


class _Waiting:
    """last: what the pool said when it was asked last."""

    __slots__ = ("answer", "last", "want")

    def __init__(self, want: Want, answer: "asyncio.Future[_Answer]") -> None:
        self.want = want
        self.answer = answer
        self.last: Choice = Busy()


def _wish(want: Want) -> tuple[str | None, frozenset[str]]:
    """Who has the same is refused together."""
    return want.model, want.tried


def worth_waiting(exhausted: Exhausted) -> bool:
    """Whether somebody will be ready again before the patience ends."""
    return exhausted.retry_after is not None and exhausted.retry_after <= PATIENCE_SECONDS


def _is_answered(waiting: _Waiting) -> bool:
    return waiting.answer.done() and not waiting.answer.cancelled()
