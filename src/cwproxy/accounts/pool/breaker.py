"""A circuit breaker: closed, open for a while, then half open for one probe at a time (reliability.md 1.8).

Calls are known by their lease's number, which grows: a call that was made before the breaker opened says nothing
about whether it should be open still.
"""

import enum
from collections import deque

import msgspec

from cwproxy.accounts.pool.policy import Tripping

_BUCKETS = 6
"""Parts of the window that are counted together and forgotten together."""


class Phase(enum.Enum):
    """CLOSED: nothing is held back. OPEN: everything is. DUE: one probe may go. PROBING: it is on its way."""

    CLOSED = "closed"
    OPEN = "open"
    DUE = "half_open"
    PROBING = "probing"


class Fact(msgspec.Struct, frozen=True):
    """That a call has failed. number: of its lease; latest: the last lease given by then. now: epoch seconds; random:
    uniform in [0, 1). detail: a sentence for people.
    """

    number: int
    latest: int
    now: float
    random: float
    detail: str = ""


class Slot:
    """The place of the one probe. `patience`: seconds after which a probe that nobody settled counts as lost."""

    __slots__ = ("_patience", "number", "since")

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.number: int | None = None
        self.since = 0.0

    def taken(self, now: float) -> bool:
        return self.number is not None and now - self.since < self._patience

    def take(self, number: int, now: float) -> None:
        self.number, self.since = number, now

    def release(self, number: int) -> None:
        if self.number == number:
            self.number = None


class Breaker:
    """One breaker. `opened` is false while it is closed; `until`: epoch seconds when an open one lets a probe pass;
    `times`: how often it has opened, less one for every calm period since.
    """

    __slots__ = (
        "_rule",
        "_since",
        "_window",
        "_wins",
        "consecutive",
        "opened",
        "_before",
        "slot",
        "times",
        "until",
    )

    def __init__(self, rule: Tripping, patience: float) -> None:
        self._rule = rule
        self.slot = Slot(patience)
        self.close(0.0)
        self.times = 0

    def close(self, now: float) -> None:
        self.opened = False
        self._before = 0  # the last lease that was given before it opened
        self.until = 0.0
        self.consecutive = 0
        self._since = now
        self._wins = 0
        self._window: deque[list[int]] = deque(maxlen=_BUCKETS)

    def phase(self, now: float) -> Phase:
        if not self.opened:
            return Phase.CLOSED
        if now < self.until:
            return Phase.OPEN
        return Phase.PROBING if self.slot.taken(now) else Phase.DUE

    def level(self, now: float) -> int:
        """How often it has opened, as far as that has not been lived down."""
        if self.opened:
            return self.times
        return max(0, self.times - int(max(0.0, now - self._since) / self._rule.backoff.calm))

    def succeeded(self, number: int, now: float) -> None:
        """The call with lease `number` went well."""
        if not self.opened:
            self.consecutive = 0
            if self._rule.minimum:
                self._bucket(now)[1] += 1
        elif number > self._before:
            self._wins += 1
            if self._wins >= self._rule.closing:
                self.close(now)
            else:
                self.until = min(self.until, now)

    def failed(self, fact: Fact, *, may_open: bool = True) -> bool:
        """A call failed; whether that has opened it."""
        if self.opened:
            reopens = fact.number > self._before and fact.now >= self.until
            if reopens:
                self._open(fact)
            return reopens
        self.consecutive += 1
        if self._rule.minimum:
            bucket = self._bucket(fact.now)
            bucket[1] += 1
            bucket[2] += 1
        if not (may_open and self._tripped(fact.now)):
            return False
        self._open(fact)
        return True

    def forgive(self) -> None:
        """Those failures were somebody else's. An open breaker stays so."""
        self.consecutive = 0
        self._window.clear()

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self.until -= seconds
        self._since -= seconds
        self.slot.since -= seconds
        self._window.clear()

    def _open(self, fact: Fact) -> None:
        self.times = self.level(fact.now) + 1
        self.opened, self._before, self._wins = True, fact.latest, 0
        self.until = fact.now + self._rule.backoff.seconds(self.times - 1, fact.random)

    def _tripped(self, now: float) -> bool:
        rule = self._rule
        if rule.consecutive is not None and self.consecutive >= rule.consecutive:
            return True
        if not rule.minimum:
            return False
        oldest = self._position(now) - _BUCKETS
        recent = [bucket for bucket in self._window if bucket[0] > oldest]
        failures = sum(bucket[2] for bucket in recent)
        calls = sum(bucket[1] for bucket in recent)
        return calls >= rule.minimum and failures >= max(rule.least, calls * rule.share)

    def _position(self, now: float) -> int:
        return int(now * _BUCKETS / self._rule.window)

    def _bucket(self, now: float) -> list[int]:
        """Position, calls, failures of the present part of the window."""
        position = self._position(now)
        window = self._window
        if not window or window[-1][0] != position:
            window.append([position, 0, 0])
        return window[-1]
