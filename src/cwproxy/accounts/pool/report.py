"""Everything that the pool knows of its accounts, for people: `accounts show`, `/admin/accounts`."""

from collections.abc import Mapping

import msgspec

from cwproxy.accounts.pool.breaker import Breaker, Phase
from cwproxy.accounts.pool.classes import FailureClass
from cwproxy.accounts.pool.members import Shortage, Standing
from cwproxy.accounts.pool.states import Fit, MemberState, Obstacle, Past

_BLACKLIST = frozenset({Standing.SUSPENDED, Standing.MISCONFIGURED})


class BreakerReport(msgspec.Struct, frozen=True):
    """until: epoch seconds when an open one lets a probe pass, or None. times: how often it has opened, as far as that
    has not been lived down.
    """

    phase: Phase
    until: float | None
    times: int
    consecutive: int


class MemberReport(msgspec.Struct, frozen=True):
    """One account. All times are epoch seconds.

    available: it could take a call of some model now. why: what keeps it from that, or None.
    blacklisted: until somebody recovers it. cool_down_until, backoff_level: after too many requests, or a denial.
    quota_until, quota_probe_at: when the used-up quota begins anew, and when a request may try whether it has.
    forbidden_models: those that the account may not use, and until when that is believed.
    in_flight, allowed, limit: calls under way, the most at present, and the most at all.
    requests: attempts that have ended; successes: those that were served; errors: the others, by their class, without
    those that say nothing of the account.
    """

    account_id: str
    label: str
    standing: Standing
    available: bool
    why: Shortage | None
    blacklisted: bool
    weight: float
    fraction_left: float | None
    cool_down_until: float | None
    backoff_level: int
    quota_until: float | None
    quota_probe_at: float | None
    breaker: BreakerReport
    forbidden_models: Mapping[str, float]
    in_flight: int
    allowed: int
    limit: int
    requests: int
    successes: int
    consecutive_errors: int
    errors: Mapping[FailureClass, int]
    error_history: tuple[Past, ...]


class EndpointReport(msgspec.Struct, frozen=True):
    """An endpoint, and those of its models that have failed."""

    name: str
    breaker: BreakerReport
    models: Mapping[str | None, BreakerReport]


def breaker_report(breaker: Breaker, now: float) -> BreakerReport:
    return BreakerReport(
        breaker.phase(now), breaker.until if breaker.opened else None, breaker.level(now), breaker.consecutive
    )


def member_report(account: MemberState, now: float) -> MemberReport:
    fit = account.examine(None, now)
    holds = [hold for hold in (account.throttled, account.refused) if hold.phase(now) is not Phase.CLOSED]
    quota = account.quota if account.quota.on else None
    return MemberReport(
        account_id=account.member.id,
        label=account.member.label,
        standing=account.record.standing,
        available=fit in (Fit.HEALTHY, Fit.PROBE, Fit.SUSPECT),
        why=_why(fit),
        blacklisted=account.record.standing in _BLACKLIST,
        weight=account.member.weight,
        fraction_left=account.member.fraction_left,
        cool_down_until=max((hold.until for hold in holds), default=None),
        backoff_level=max((max(0, hold.level) for hold in holds), default=0),
        quota_until=quota.until if quota else None,
        quota_probe_at=quota.opens_at if quota else None,
        breaker=breaker_report(account.breaker, now),
        forbidden_models={model: until for model, until in account.forbidden.items() if until > now},
        in_flight=account.load.in_flight,
        allowed=account.load.allowed,
        limit=account.load.limit,
        requests=account.requests,
        successes=account.successes,
        consecutive_errors=account.consecutive_errors,
        errors=dict(account.errors),
        error_history=tuple(account.history),
    )


def _why(fit: Fit | Obstacle) -> Shortage | None:
    if isinstance(fit, Obstacle):
        return fit.shortage
    return Shortage.BREAKER if fit is Fit.OPEN else None
