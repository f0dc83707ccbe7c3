"""A day of ten accounts with every kind of trouble, as the pool alone sees it: a fake clock, calls that take their
time, and requests that try again as reliability.md 1.8 lets them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random

import pytest
from tests.support.pools import START

from cwproxy.accounts.pool import (
    Exhausted,
    Failed,
    Failure,
    FailureClass,
    Lease,
    Left,
    Member,
    Policy,
    Pool,
    Served,
    Shortage,
    Strategy,
    Want,
)

F = FailureClass
DAY = 86_400.0
HOUR, MINUTE = 3600.0, 60.0
REQUESTS = 20_000
GRACE = {F.CAPACITY: 120.0, F.CONNECTION: 60.0, F.SERVER: 60.0}
"""Seconds after an outage of everything in which nobody can know that it is over: the longest time of that breaker."""

DEAD = frozenset({F.SHORT_QUOTA, F.LONG_QUOTA, F.CREDENTIAL, F.SUSPENDED, F.MISCONFIGURED, F.REFUSED, F.MODEL_UNKNOWN})
"""Classes after which another account is asked for nothing: they cost no attempt."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """From `start` for `length` seconds every call fails; accounts or model None: with all of them."""

    kind: FailureClass
    start: float
    length: float
    accounts: str | None = None
    model: str | None = None

    def hits(self, account: str, model: str, at: float) -> bool:
        return (
            self.start <= at - START < self.start + self.length
            and (self.accounts is None or account in self.accounts)
            and self.model in (None, model)
        )


TROUBLES = (
    Trouble(F.THROTTLED, 1 * HOUR, 3 * MINUTE, "a"),
    Trouble(F.THROTTLED, 5 * HOUR, 90.0, "abc"),
    Trouble(F.SHORT_QUOTA, 2 * HOUR, 40 * MINUTE, "b"),
    Trouble(F.LONG_QUOTA, 3 * HOUR, 20 * HOUR, "c"),
    Trouble(F.CREDENTIAL, 4 * HOUR, 2 * HOUR, "d"),
    Trouble(F.SUSPENDED, 6 * HOUR, DAY, "e"),
    Trouble(F.REFUSED, 7 * HOUR, 20 * MINUTE, "a"),
    Trouble(F.MODEL_UNKNOWN, 0.0, DAY, "b", "small"),
    Trouble(F.SERVER, 8 * HOUR, 30 * MINUTE, "ab"),
    Trouble(F.TIMEOUT, 9 * HOUR, 20 * MINUTE, "d"),
    Trouble(F.BROKEN_STREAM, 10 * HOUR, 30 * MINUTE, "a"),
    Trouble(F.API_CHANGED, 11 * HOUR, 30 * MINUTE, "b"),
    Trouble(F.MISCONFIGURED, 12 * HOUR, HOUR, "a"),
    Trouble(F.CAPACITY, 13 * HOUR, 6 * MINUTE, None, "big"),
    Trouble(F.CONNECTION, 15 * HOUR, 2 * MINUTE),
    Trouble(F.SERVER, 17 * HOUR, 2 * MINUTE),
)
HEALED = {"d": 6 * HOUR, "a": 13 * HOUR}
"""When a person makes good what only a person can."""

TROUBLED = "abcde"
ACCOUNTS = "abcdefghij"


@dataclass(slots=True)
class Request:
    model: str
    sticky: str
    began: float
    tried: frozenset[str] = frozenset()
    worked: int = 0


@dataclass
class Day:
    strategy: Strategy
    seed: int
    pool: Pool = field(init=False)
    calls: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    refused: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ACCOUNTS})
    lost: list[tuple[float, str]] = field(default_factory=list)
    excused: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        self.pool = Pool(Policy(strategy=self.strategy))
        self.pool.update([Member(name, name, endpoint="host") for name in ACCOUNTS], START)
        self._random = Random(self.seed)
        self._events: list[tuple[float, int, Callable[[float], object]]] = []
        self._count = 0

    def run(self) -> None:
        for number in range(REQUESTS):
            at = START + self._random.uniform(0.0, DAY)
            request = Request(self._random.choice(["big", "small"]), f"conversation {number % 3000}", at)
            self._at(at, partial(self._ask, request))
        for name, when in HEALED.items():
            self._at(START + when, partial(self.pool.recover, name))
        while self._events:
            now, _, act = heappop(self._events)
            act(now)

    def _at(self, when: float, act: Callable[[float], object]) -> None:
        self._count += 1
        heappush(self._events, (when, self._count, act))

    def _ask(self, request: Request, now: float) -> None:
        choice = self.pool.choose(Want(request.model, request.sticky, request.tried), now, self._random.random())
        if isinstance(choice, Lease):
            self._call(request, choice, now)
        elif isinstance(choice, Exhausted) and choice.reason is Shortage.TRIED and request.worked < 3:
            request.tried = frozenset()
            self._at(now + 0.5, partial(self._ask, request))
        elif now - request.began < 10.0 and not (isinstance(choice, Exhausted) and (choice.retry_after or 99.0) > 5.0):
            self._at(now + 0.25, partial(self._ask, request))
        else:
            self._lose(request, now, str(choice))

    def _call(self, request: Request, lease: Lease, now: float) -> None:
        name = lease.account_id
        self.calls[name] += 1
        fault = next((each for each in TROUBLES if each.hits(name, request.model, now)), None)
        luck = self._random.random()
        if fault is not None:
            self._at(now + self._random.uniform(0.05, 2.0), partial(self._fail, request, lease, fault.kind))
        elif luck < 0.02:
            self.left += 1
            self._at(now + self._random.uniform(0.1, 30.0), partial(self._settle, lease))
        else:
            self._at(now + 1.0, partial(self.pool.heard, lease))
            self._at(now + self._random.uniform(2.0, 60.0), partial(self._serve, lease))

    def _settle(self, lease: Lease, now: float) -> None:
        self.pool.settle(lease, Left(), now, self._random.random())

    def _serve(self, lease: Lease, now: float) -> None:
        self.served[lease.account_id] += 1
        self.pool.settle(lease, Served(1.0), now, self._random.random())

    def _fail(self, request: Request, lease: Lease, kind: FailureClass, now: float) -> None:
        if kind in (F.SHORT_QUOTA, F.LONG_QUOTA):
            self.refused[lease.account_id].append(now - START)
        self.pool.settle(lease, Failed(Failure(kind)), now, self._random.random())
        request.worked += kind not in DEAD
        request.tried |= {lease.account_id}
        if request.worked < 3:
            self._at(now + self._random.uniform(0.0, 0.25), partial(self._ask, request))
        else:
            self._lose(request, now, kind.value)

    def _lose(self, request: Request, now: float, why: str) -> None:
        """It failed. That is excused if no account could have served it at some time of its life."""
        everywhere = any(
            each.accounts is None
            and each.model in (None, request.model)
            and each.start - 2.0 <= now - START < each.start + each.length + GRACE[each.kind]
            for each in TROUBLES
        )
        if everywhere:
            self.excused += 1
        else:
            self.lost.append((now - START, f"{why} {request}"))


@pytest.fixture(scope="module", params=[(Strategy.ROUND_ROBIN, 1), (Strategy.ROUND_ROBIN, 2), (Strategy.STICKY, 3)])
def day(request: pytest.FixtureRequest) -> Day:
    strategy, seed = request.param
    made = Day(strategy, seed)
    made.run()
    return made


def test_no_request_fails_that_a_healthy_account_could_have_served(day: Day) -> None:
    assert day.lost == []
    assert sum(day.served.values()) + day.left + day.excused == REQUESTS


def test_outages_of_everything_cost_no_more_than_they_must(day: Day) -> None:
    assert day.excused < REQUESTS * 0.006


def test_healthy_equal_accounts_carry_the_same(day: Day) -> None:
    if day.strategy is Strategy.ROUND_ROBIN:
        loads = [day.calls[name] for name in ACCOUNTS if name not in TROUBLED]
        assert max(loads) - min(loads) < 0.05 * min(loads)


def test_accounts_without_quota_get_the_stated_probes_only(day: Day) -> None:
    """Calls that were under way together when it ran out, and then one at a time."""
    short, long = day.refused["b"], day.refused["c"]
    first = [at for at in short if at - short[0] < 60.0]
    assert len(first) <= 8
    gaps = [second - first for first, second in zip(short[len(first) - 1 :], short[len(first) :], strict=False)]
    assert len(gaps) <= 4  # after 5, 10, 20 minutes: the trouble lasts for 40
    assert all(gap >= 300.0 for gap in gaps)
    first = [at for at in long if at - long[0] < 60.0]
    assert len(first) <= 8
    later = long[len(first) :]
    assert 2 <= len(later) <= 3  # in twenty hours, every six


def test_accounts_come_back(day: Day) -> None:
    for name in "abd":
        assert day.served[name] > REQUESTS / 10 * 0.5
    assert day.served["c"] > 0  # until the third hour; its quota is tried again after the day
    assert day.served["e"] > 0  # until the sixth, and never again
    reports = {report.account_id: report for report in day.pool.report(START + DAY)}
    assert [name for name in ACCOUNTS if not reports[name].available] == ["c", "e"]
    assert all(report.in_flight == 0 for report in reports.values())
