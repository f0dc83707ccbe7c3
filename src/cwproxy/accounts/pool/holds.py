"""What keeps an account away for a time, because AWS has said so: too many requests, a denial, a used-up quota."""

from cwproxy.accounts.pool.breaker import Fact, Phase, Slot
from cwproxy.accounts.pool.changes import LONG, OFF, ON, Change
from cwproxy.accounts.pool.periods import next_day
from cwproxy.accounts.pool.policy import Backoff


class Hold:
    """A time-out. until: epoch seconds. level: how often it has been doubled, -1 before the first.

    gated: when the time is over, one probe must succeed before the account is used as before. changed_at: epoch
    seconds of the last change, 0 for never.
    """

    __slots__ = ("_backoff", "_number", "changed_at", "detail", "gated", "level", "on", "slot", "until")

    def __init__(self, backoff: Backoff, patience: float, *, gated: bool) -> None:
        self._backoff = backoff
        self._number = 0
        self.gated = gated
        self.slot = Slot(patience)
        self.on = False
        self.until = 0.0
        self.level = -1
        self.changed_at = 0.0
        self.detail = ""

    def phase(self, now: float) -> Phase:
        if not self.on:
            return Phase.CLOSED
        if now < self.opens_at:
            return Phase.OPEN
        if not self.gated:
            return Phase.CLOSED
        return Phase.PROBING if self.slot.taken(now) else Phase.DUE

    @property
    def opens_at(self) -> float:
        """When the next probe may go."""
        return self.until

    @property
    def state(self) -> str:
        return ON if self.on else OFF

    def knows(self, number: int) -> bool:
        """Whether that call was made before the hold began, so that it tells nothing new."""
        return self.on and number <= self._number

    def prolong(self, fact: Fact, retry_after: float | None) -> bool:
        """Begin it, or begin it anew and longer; whether that changed anything. A call from before its beginning can
        only make it as long as the service has asked for.
        """
        asked = fact.now + (retry_after or 0.0)
        if self.knows(fact.number):
            if asked <= self.until:
                return False
            self.until, self.changed_at = asked, fact.now
            return True
        self.level = self._next_level(fact.now)
        self._begin(fact, max(asked, fact.now + self._backoff.seconds(self.level, fact.random)))
        return True

    def end(self, now: float, *, number: int | None = None) -> bool:
        """A call has shown that it is over, or a person says so; whether that changed anything. The level stays, to
        be lived down in time. `number`: a call from before its beginning shows nothing.
        """
        if not self.on or (number is not None and number <= self._number):
            return False
        self.on, self.until, self.changed_at = False, min(self.until, now), now
        return True

    def adopt(self, change: Change, latest: int) -> None:
        """What another replica has found, or has seen the end of. `latest`: the last lease of this one."""
        self.on = change.state != OFF
        self.until = change.until if change.until is not None else change.changed_at
        self.level, self.detail, self.changed_at = change.level, change.detail, change.changed_at
        self._number = latest

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self.until -= seconds
        self.slot.since -= seconds

    def _begin(self, fact: Fact, until: float) -> None:
        self.on, self.until, self.changed_at, self.detail = True, until, fact.now, fact.detail
        self._number = fact.latest

    def _next_level(self, now: float) -> int:
        return max(0, self.level + 1 - int(max(0.0, now - self.until) / self._backoff.calm))


class QuotaHold(Hold):
    """A used-up allowance: a short one, whose time grows up to the next day, or a long one, which is tried again every
    `pause` seconds although its end is known. `calendar`: it is the long one.
    """

    __slots__ = ("_pause", "_spread", "calendar")

    def __init__(self, backoff: Backoff, patience: float, *, pause: float, spread: float) -> None:
        super().__init__(backoff, patience, gated=True)
        self._pause = pause
        self._spread = spread
        self.calendar = False

    @property
    def opens_at(self) -> float:
        return min(self.until, self.changed_at + self._pause) if self.calendar else self.until

    @property
    def state(self) -> str:
        return LONG if self.on and self.calendar else super().state

    def adopt(self, change: Change, latest: int) -> None:
        super().adopt(change, latest)
        self.calendar = change.state == LONG

    def short(self, fact: Fact, retry_after: float | None) -> bool:
        """The allowance of some minutes, or of a day (backend-rules.md A6 70)."""
        if self.calendar and self.knows(fact.number):
            return False
        self.calendar = False
        changed = self.prolong(fact, retry_after)
        midnight = next_day(fact.now)
        if changed and self.until >= midnight:
            self.until = midnight + self._spread * fact.random
            self.level = -1
        return changed

    def long(self, fact: Fact, until: float) -> bool:
        """The allowance of a month; `until`: when the next one begins."""
        if self.calendar and self.knows(fact.number):
            return False
        self.calendar, self.level = True, -1
        self._begin(fact, until + self._spread * fact.random)
        return True

    def shift(self, seconds: float) -> None:
        if self.calendar:
            self.changed_at -= seconds
            self.slot.since -= seconds
        else:
            super().shift(seconds)
