"""Why nobody can answer, as errors: a table, so that every dialect tells it in the words that it has for them."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cwproxy.accounts.pool import Exhausted, Shortage
from cwproxy.errors import (
    AccountUnusable,
    BackendUnavailable,
    CwproxyError,
    LoginRequired,
    ModelNotFound,
    ModelUnavailable,
    Overloaded,
    QuotaExhausted,
    Throttled,
)

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds of `retry_after` for what passes by itself (reliability.md 1.8)."""

SPREAD = 0.2
"""The part of it that is added at random, so that clients do not all come back at once."""

BUSY_SECONDS = 4.0

_Make: TypeAlias = Callable[[str, float | None, float], CwproxyError]


def error_of(exhausted: Exhausted, *, random: float) -> CwproxyError:
    """What is raised when no account can be had. `random` is uniform in [0, 1)."""
    return _ERRORS[exhausted.reason](exhausted.detail, exhausted.retry_after, random)


def overloaded(*, random: float) -> Overloaded:
    """All are busy, and no place in the queue has led to one in time."""
    return Overloaded("All accounts are busy.", retry_after=1.0 + BUSY_SECONDS * random)


def _soon(seconds: float | None, random: float) -> float:
    return min(LONGEST, max(SHORTEST, seconds or SHORTEST)) * (1.0 + SPREAD * random)


_ERRORS: Final[Mapping[Shortage, _Make]] = {
    Shortage.NONE_LOGGED_IN: lambda detail, _after, _random: LoginRequired(detail),
    Shortage.CREDENTIALS: lambda detail, _after, _random: LoginRequired(detail),
    Shortage.SUSPENDED: lambda detail, _after, _random: AccountUnusable(detail),
    Shortage.THROTTLED: lambda detail, after, random: Throttled(detail, retry_after=_soon(after, random)),
    Shortage.QUOTA: lambda detail, after, _random: QuotaExhausted(detail, retry_after=after),
    Shortage.MODEL: lambda detail, _after, _random: ModelNotFound(detail),
    Shortage.CAPACITY: lambda detail, after, random: ModelUnavailable(detail, retry_after=_soon(after, random)),
    Shortage.BREAKER: lambda detail, after, _random: BackendUnavailable(detail, retry_after=after, retry_safe=False),
    Shortage.TRIED: lambda detail, _after, _random: BackendUnavailable(detail, retry_safe=False),
}
