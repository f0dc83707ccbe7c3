"""One account in the pool: what is known against it, how much it carries, and what has become of its calls."""

import enum
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias, assert_never

import msgspec

from cwproxy.accounts.pool import changes
from cwproxy.accounts.pool.breaker import Breaker, Fact, Phase, Slot
from cwproxy.accounts.pool.changes import Change
from cwproxy.accounts.pool.classes import Failure, FailureClass
from cwproxy.accounts.pool.endpoints import Endpoint
from cwproxy.accounts.pool.holds import Hold, QuotaHold
from cwproxy.accounts.pool.load import Load
from cwproxy.accounts.pool.members import Lease, Member, Shortage, Standing
from cwproxy.accounts.pool.periods import next_month
from cwproxy.accounts.pool.policy import Policy
from cwproxy.accounts.pool.standings import StandingRecord

FORBIDDEN_MODELS: Final = 64
"""Models that are remembered as not for this account: their names may be a client's invention."""

_WAITING = (Phase.OPEN, Phase.PROBING)


class Fit(enum.Enum):
    """Whether an account could take the call now.

    PROBE: yes, as the one probe. SUSPECT: yes, but it has just failed. BUSY: it has too many calls in flight.
    OPEN: its breaker is open, or half open with its probe under way.
    """

    HEALTHY = "healthy"
    PROBE = "probe"
    SUSPECT = "suspect"
    BUSY = "busy"
    OPEN = "open"


class Obstacle(msgspec.Struct, frozen=True):
    """Why it could not; until when, epoch seconds, or None."""

    shortage: Shortage
    until: float | None = None


Examined: TypeAlias = Fit | Obstacle

_UNLISTED: Final = Obstacle(Shortage.MODEL)
_STANDING: Final = {
    Standing.DISABLED: Obstacle(Shortage.NONE_LOGGED_IN),
    Standing.NEEDS_LOGIN: Obstacle(Shortage.CREDENTIALS),
    Standing.MISCONFIGURED: Obstacle(Shortage.CREDENTIALS),
    Standing.SUSPENDED: Obstacle(Shortage.SUSPENDED),
}
_FOUND: Final = {
    FailureClass.CREDENTIAL: Standing.NEEDS_LOGIN,
    FailureClass.SUSPENDED: Standing.SUSPENDED,
    FailureClass.MISCONFIGURED: Standing.MISCONFIGURED,
}
_NOBODYS: Final = frozenset({FailureClass.CAPACITY, FailureClass.CONNECTION, FailureClass.EMPTY})
"""Classes that say nothing against the account."""


class Past(msgspec.Struct, frozen=True):
    """A failure that is remembered. at: epoch seconds."""

    at: float
    kind: FailureClass
    reason: str | None
    model: str | None


class MemberState:
    """turn: when it is next in the rotation, on a scale of its own (`strategies`).

    clear: nothing is held against it, so that `examine` need not look; false while that is not known.
    """

    __slots__ = (
        "_policy",
        "breaker",
        "clear",
        "consecutive_errors",
        "endpoint",
        "errors",
        "forbidden",
        "history",
        "load",
        "member",
        "quota",
        "record",
        "refused",
        "requests",
        "successes",
        "suspect_until",
        "throttled",
        "turn",
    )

    def __init__(self, member: Member, endpoint: Endpoint, policy: Policy, *, turn: float) -> None:
        patience = policy.probe_patience
        self._policy = policy
        self.member = member
        self.endpoint = endpoint
        self.turn = turn
        self.record = StandingRecord(member.standing, firm=member.firm)
        self.breaker = Breaker(policy.account, patience)
        self.throttled = Hold(policy.throttled, patience, gated=False)
        self.refused = Hold(policy.refused, patience, gated=True)
        self.quota = QuotaHold(policy.short_quota, patience, pause=policy.quota_probe, spread=policy.midnight_spread)
        self.forbidden: dict[str, float] = {}
        self.suspect_until = 0.0
        self.load = Load(member, policy)
        self.requests = 0
        self.successes = 0
        self.consecutive_errors = 0
        self.errors: dict[FailureClass, int] = {}
        self.history: deque[Past] = deque(maxlen=policy.history)
        self.clear = False

    def replace(self, member: Member, endpoint: Endpoint, now: float) -> None:
        """The account is known anew: its state is kept."""
        self.member, self.endpoint = member, endpoint
        self.load.resize(member)
        self.record.say(member.standing, now, firm=member.firm)
        self.clear = False

    def examine(self, model: str | None, now: float) -> Examined:
        """Whether it could take a call of `model` now."""
        endpoint = self.endpoint
        if self.clear and not endpoint.breaker.opened:
            gate = endpoint.models.get(model) if endpoint.models else None
            if gate is None or not gate.opened:
                listed = self.member.models
                if listed is not None and model is not None and model not in listed:
                    return _UNLISTED
                return Fit.HEALTHY if self.load.has_room(model) else Fit.BUSY
        return self._obstacle(model, now) or self._fit(model, now)

    @property
    def usable(self) -> bool:
        """Nothing is held against it that lasts."""
        return self.record.standing is Standing.READY and not (self.quota.on or self.refused.on)

    def could_replace(self, model: str | None, now: float) -> bool:
        """Whether it is an alternative to another account for `model`, now or in a moment."""
        return self.usable and not self._lacks(model, now)

    def take(self, lease: Lease, now: float) -> list[Slot]:
        """The lease begins. The places that it takes, of which it is the one probe."""
        self.load.begin(lease.model)
        if not lease.probe:
            return []
        taken = [guard.slot for guard in self._guards(lease.model) if guard.phase(now) is not Phase.CLOSED]
        for slot in taken:
            slot.take(lease.number, now)
        return taken

    def heard(self, number: int, now: float) -> list[Change]:
        """The backend has begun to answer: it has accepted the account."""
        if self.clear:
            return []
        gated = ((changes.QUOTA, self.quota), (changes.REFUSED, self.refused))
        return [self._change(scope, hold) for scope, hold in gated if hold.end(now, number=number)]

    def served(self, number: int, now: float) -> list[Change]:
        self.successes += 1
        self.consecutive_errors = 0
        self.suspect_until = 0.0
        self.breaker.succeeded(number, now)
        self.load.served()
        return self.heard(number, now)

    def failed(self, failure: Failure, fact: Fact, model: str | None, *, lone: bool) -> list[Change]:
        """What the failure of a call changes. `lone`: no other account could take its place."""
        self.clear = False
        self.errors[failure.kind] = self.errors.get(failure.kind, 0) + 1
        self.history.append(Past(fact.now, failure.kind, failure.reason, model))
        if failure.kind not in _NOBODYS:
            self.consecutive_errors += 1
        match failure.kind:
            case FailureClass.THROTTLED:
                return self._slow_down(failure, fact)
            case FailureClass.REFUSED:
                prolonged = self.refused.prolong(fact, failure.retry_after)
                return [self._change(changes.REFUSED, self.refused)] if prolonged else []
            case FailureClass.SHORT_QUOTA | FailureClass.LONG_QUOTA:
                return self._used_up(failure, fact)
            case FailureClass.CREDENTIAL | FailureClass.SUSPENDED | FailureClass.MISCONFIGURED:
                return self.stand(_FOUND[failure.kind], fact.now, failure.detail)
            case FailureClass.MODEL_UNKNOWN:
                return self._forbid(model, fact.now, failure.detail)
            case FailureClass.SERVER | FailureClass.TIMEOUT | FailureClass.BROKEN_STREAM | FailureClass.API_CHANGED:
                self.suspect_until = fact.now + self._policy.suspicion
                self.breaker.failed(fact, may_open=not lone)
                return []
            case FailureClass.CAPACITY | FailureClass.CONNECTION | FailureClass.EMPTY:
                return []
            case _:
                assert_never(failure.kind)

    def forgive(self) -> None:
        """Its last failures were the endpoint's."""
        self.breaker.forgive()
        self.suspect_until = 0.0

    def stand(self, standing: Standing, now: float, detail: str = "") -> list[Change]:
        """Set the standing; what others must know of that."""
        self.clear = False
        if not self.record.find(standing, now):
            return []
        return [Change(self.member.id, changes.ACCOUNT, None, 0, standing.value, detail, now)]

    def adopt(self, change: Change, latest: int) -> None:
        """What another replica has found; older news are dropped. The standing comes with the account itself."""
        hold: Hold | None = self._holds().get(change.scope)
        self.clear = False
        if hold is not None:
            if change.changed_at > hold.changed_at:
                hold.adopt(change, latest)
        elif change.scope == changes.RECOVERED:
            self.endpoint.recover(change.changed_at)
            self._forget(change.changed_at)
        elif change.scope.startswith(changes.MODEL):
            model = change.scope.removeprefix(changes.MODEL)
            if change.state != changes.OFF and change.until is not None:
                self.forbidden[model] = change.until
            else:
                self.forbidden.pop(model, None)

    def recover(self, now: float) -> list[Change]:
        """A person says that all is well again."""
        found = self.stand(Standing.READY, now)
        for scope, hold in self._holds().items():
            hold.level = -1
            if hold.end(now):
                found.append(self._change(scope, hold))
        for model in self.forbidden:
            found.append(Change(self.member.id, changes.MODEL + model, now, 0, changes.OFF, "", now))
        self.forbidden.clear()
        self._forget(now)
        return found

    def _forget(self, now: float) -> None:
        """What other replicas know nothing of."""
        self.breaker.close(now)
        self.breaker.times = 0
        self.suspect_until = 0.0
        self.consecutive_errors = 0
        self.load.reset()

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self.suspect_until -= seconds
        self.breaker.shift(seconds)
        self.record.shift(seconds)
        for hold in self._holds().values():
            hold.shift(seconds)
        self.forbidden = {model: until - seconds for model, until in self.forbidden.items()}

    def _holds(self) -> dict[str, Hold]:
        return {changes.THROTTLED: self.throttled, changes.REFUSED: self.refused, changes.QUOTA: self.quota}

    def _guards(self, model: str | None) -> Sequence[Breaker | Hold]:
        """Whatever lets only one probe pass."""
        shared = self.endpoint.models.get(model)
        own: tuple[Breaker | Hold, ...] = (self.breaker, self.quota, self.refused, self.endpoint.breaker)
        return own if shared is None else (*own, shared)

    def _lacks(self, model: str | None, now: float) -> Obstacle | None:
        if model is None:
            return None
        if self.member.models is not None and model not in self.member.models:
            return _UNLISTED
        until = self.forbidden.get(model, 0.0)
        return Obstacle(Shortage.MODEL, until) if until > now else None

    def _obstacle(self, model: str | None, now: float) -> Obstacle | None:
        if self.record.standing is not Standing.READY:
            return _STANDING[self.record.standing]
        lacking = self._lacks(model, now)
        if lacking is not None:
            return lacking
        for shortage, hold in (
            (Shortage.QUOTA, self.quota),
            (Shortage.CREDENTIALS, self.refused),
            (Shortage.THROTTLED, self.throttled),
        ):
            if hold.phase(now) in _WAITING:
                return Obstacle(shortage, hold.until)
        if self.endpoint.breaker.phase(now) in _WAITING:
            return Obstacle(Shortage.BREAKER, self.endpoint.breaker.until)
        gate = self.endpoint.models.get(model)
        if gate is not None and gate.phase(now) in _WAITING:
            return Obstacle(Shortage.CAPACITY, gate.until)
        return None

    def _fit(self, model: str | None, now: float) -> Fit:
        if self.breaker.phase(now) in _WAITING:
            return Fit.OPEN
        if not self.load.has_room(model):
            return Fit.BUSY
        if any(guard.phase(now) is Phase.DUE for guard in self._guards(model)):
            return Fit.PROBE
        if now < self.suspect_until:
            return Fit.SUSPECT
        self.forbidden = {name: until for name, until in self.forbidden.items() if until > now}
        self.clear = not self.forbidden and not self.breaker.opened
        return Fit.HEALTHY

    def _slow_down(self, failure: Failure, fact: Fact) -> list[Change]:
        """The in-flight limit is halved once for all calls that were under way together."""
        if not self.throttled.knows(fact.number):
            self.load.throttled()
        prolonged = self.throttled.prolong(fact, failure.retry_after)
        return [self._change(changes.THROTTLED, self.throttled)] if prolonged else []

    def _used_up(self, failure: Failure, fact: Fact) -> list[Change]:
        if failure.kind is FailureClass.SHORT_QUOTA:
            changed = self.quota.short(fact, failure.retry_after)
        else:
            named = [at for at in (failure.until, self.member.resets_at) if at is not None and at > fact.now]
            changed = self.quota.long(fact, named[0] if named else next_month(fact.now))
        return [self._change(changes.QUOTA, self.quota)] if changed else []

    def _forbid(self, model: str | None, now: float, detail: str) -> list[Change]:
        if model is None:
            return []
        self.forbidden.pop(model, None)
        if len(self.forbidden) >= FORBIDDEN_MODELS:
            del self.forbidden[next(iter(self.forbidden))]
        until = self.forbidden[model] = now + self._policy.model_pause
        return [Change(self.member.id, changes.MODEL + model, until, 0, changes.ON, detail, now)]

    def _change(self, scope: str, hold: Hold) -> Change:
        detail = hold.detail if hold.on else ""
        return Change(self.member.id, scope, hold.until, max(0, hold.level), hold.state, detail, hold.changed_at)
