"""How often the backend is asked for an account's allowance, and what becomes of its answers."""

import asyncio
from collections import Counter

import pytest
from tests.support.waiting import until

from cwproxy.accounts.quotas import EVERY_SECONDS, Quotas
from cwproxy.codewhisperer.catalog import Allowance, UsageLimits
from cwproxy.errors import BackendUnavailable

pytestmark = pytest.mark.anyio

HALF = UsageLimits("Pro", None, False, (Allowance("CREDIT", 50.0, 100.0),))


class Backend:
    """Answers with `answer`, once `gate` is open."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.answer: UsageLimits | BackendUnavailable = HALF
        self.now = 0.0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, account_id: str) -> UsageLimits:
        self.asked[account_id] += 1
        await self.gate.wait()
        if isinstance(self.answer, BackendUnavailable):
            raise self.answer
        return self.answer

    def quotas(self) -> Quotas:
        return Quotas(
            self.read, lambda each: self.attempts[each], wall=lambda: 1000.0, clock=lambda: self.now, look=0.01
        )


async def test_a_reading_is_good_for_five_minutes() -> None:
    backend = Backend()
    quotas = backend.quotas()
    assert quotas.quota("a") is None
    assert quotas.fraction_left("a") is None
    await quotas.refresh(["a", "b"])
    await quotas.refresh(["a"])
    assert backend.asked == {"a": 1, "b": 1}
    assert quotas.fraction_left("a") == 0.5
    backend.now = EVERY_SECONDS
    await quotas.refresh(["a"])
    assert backend.asked == {"a": 2, "b": 1}


async def test_two_who_want_to_know_at_once_are_one_call() -> None:
    backend = Backend()
    quotas = backend.quotas()
    backend.gate.clear()
    both = [asyncio.create_task(quotas.refresh(["a"])) for _ in range(2)]
    await until(lambda: backend.asked["a"] == 1)
    backend.gate.set()
    await asyncio.gather(*both)
    assert backend.asked == {"a": 1}
    assert quotas.fraction_left("a") == 0.5


async def test_nobody_waits_long_and_what_comes_later_is_kept() -> None:
    backend = Backend()
    quotas = backend.quotas()
    backend.gate.clear()
    await quotas.refresh(["a"], patience=0.01)
    assert quotas.quota("a") is None
    backend.gate.set()
    await until(lambda: quotas.quota("a") is not None)


async def test_a_failure_is_told_and_leaves_the_last_reading() -> None:
    backend = Backend()
    quotas = backend.quotas()
    backend.answer = BackendUnavailable("It is away.")
    await quotas.refresh(["a"])
    first = quotas.quota("a")
    assert first is not None
    assert (first.limits, first.problem) == (None, "It is away.")
    assert quotas.fraction_left("a") is None
    backend.answer, backend.now = HALF, EVERY_SECONDS
    await quotas.refresh(["a"])
    backend.answer, backend.now = BackendUnavailable("It is away again."), 2 * EVERY_SECONDS
    await quotas.refresh(["a"])
    last = quotas.quota("a")
    assert last is not None
    assert (last.limits, last.problem) == (HALF, "It is away again.")
    assert quotas.fraction_left("a") == 0.5


async def test_only_accounts_that_are_used_are_watched() -> None:
    backend = Backend()
    quotas = backend.quotas()
    quotas.watch(lambda: ["used", "idle"])
    backend.attempts["used"] = 1
    await until(lambda: quotas.quota("used") is not None)
    backend.now = EVERY_SECONDS
    await asyncio.sleep(0.05)
    assert backend.asked == {"used": 1}, "it has not been used since"
    backend.attempts["used"] = 2
    await until(lambda: backend.asked["used"] == 2)
    await quotas.aclose()


async def test_closing_ends_what_is_being_read() -> None:
    backend = Backend()
    quotas = backend.quotas()
    backend.gate.clear()
    await quotas.refresh(["a"], patience=0.01)
    await quotas.aclose()
    assert quotas.quota("a") is None
