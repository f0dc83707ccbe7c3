"""Whether a failed call is made again, and after how long. Pure: the random number and the times are arguments.

The policy is reliability.md 1.8: at most three attempts, full jitter, and only while nothing of an answer has gone
to the client. The caller guarantees the last.
"""

from dataclasses import dataclass

from cwproxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    BrokenStream,
    EmptyReply,
    ModelUnavailable,
    Throttled,
)

ATTEMPTS = 3
"""Calls per request, the first one included: what AWS's own clients do (protocol.md 4.5)."""

EMPTY_ATTEMPTS = 2
"""The same where a call ended well but said nothing: it was billed (backend-rules.md B9, B17)."""

WAITING = 60.0
"""Seconds that all waits of one request may add up to."""

CAP = 10.0
"""Seconds of the longest single wait."""

RETRY_AFTER_LIMIT = 5.0
"""Seconds: a longer `retry-after` is for the client to wait, not for us."""

FAST_BASE = 0.05
SLOW_BASE = 1.0
"""Seconds that the back-off starts from: transport faults pass quickly, a crowded model does not."""


@dataclass(frozen=True, slots=True)
class Situation:
    """attempt: calls made so far. elapsed: seconds since the request began. left: seconds until its deadline."""

    attempt: int
    elapsed: float
    left: float


def delay(error: BackendError, situation: Situation, *, random: float) -> float | None:
    """Seconds to wait before the next attempt, or None when there must be none. `random` is uniform in [0, 1)."""
    base = _base(error)
    if (
        base is None
        or situation.attempt >= (EMPTY_ATTEMPTS if isinstance(error, EmptyReply) else ATTEMPTS)
        or situation.elapsed >= WAITING
        or situation.left < RETRY_AFTER_LIMIT
    ):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= RETRY_AFTER_LIMIT else None
    return random * min(CAP, base * 2.0 ** (situation.attempt - 1))


def _base(error: BackendError) -> float | None:
    match error:
        case BackendTimeout():
            # It has cost its full time-out already; the client's patience is spent on one such wait, not on three.
            return None
        case BackendUnavailable(retry_safe=True) | BrokenStream():
            return FAST_BASE
        case ModelUnavailable() | Throttled():
            return SLOW_BASE
        case _:
            return None
