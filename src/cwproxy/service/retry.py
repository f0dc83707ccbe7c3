"""What follows a failed call: nothing, the same account again, another one. Pure: random numbers and times are
arguments.

The policy is reliability.md 1.8: at most three calls that were work for the backend, full jitter, and only while
nothing of an answer has gone to the client. The caller guarantees the last.
"""

from typing import Final

import msgspec

from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    BrokenStream,
    CredentialRejected,
    CwproxyError,
    EmptyReply,
    LoginAwaited,
    LoginRequired,
    ModelNotFound,
    ModelUnavailable,
    QuotaExhausted,
    StoreError,
    Throttled,
)

ATTEMPTS = 3
"""Calls per request that were work for the backend, the first one included, as AWS's clients do (protocol.md 4.5)."""

EMPTY_ATTEMPTS = 2
"""The same where a call ended well but said nothing: it was billed (backend-rules.md B9, B17)."""

MOVES = 8
"""Accounts that one request may leave because they are of no use at all."""

WAITING = 60.0
"""Seconds that all waits of one request may add up to."""

LAST_CALL = 5.0
"""Seconds before the deadline, after which no call is begun any more."""

CAP = 10.0
"""Seconds of the longest single wait."""

RETRY_AFTER_LIMIT = 5.0
"""Seconds: a longer `retry-after` is for the client to wait, not for us."""

FAST_BASE = 0.05
SLOW_BASE = 1.0
"""Seconds that the back-off starts from: transport faults pass quickly, a crowded model does not."""

MOVING = 0.25
"""Seconds of the longest pause before another account is asked in place of a throttled one: they may share a limit."""

TRANSPORT_TOKENS = 14
THROTTLE_TOKENS = 5
"""What a call after a failure takes from the process's budget, as in AWS's SDKs (reliability.md 1.1)."""


class Situation(msgspec.Struct, frozen=True):
    """attempt: calls so far that were work. moves: accounts that were left because they are of no use. waited: seconds,
    in all pauses and queues. left: seconds until the deadline.
    """

    attempt: int
    waited: float
    left: float
    moves: int = 0


class Course(msgspec.Struct, frozen=True):
    """What may be done. tokens: what it takes from the budget.

    here: seconds until the same account may be called again; None when it must not be.
    there: seconds until another one may be called.
    dead: the account is of no use now, and no work was done: leaving it is no attempt.
    """

    tokens: int
    here: float | None
    there: float
    dead: bool = False


def course(error: CwproxyError, situation: Situation, *, random: float) -> Course | None:
    """None when the error goes up at once. `random` is uniform in [0, 1)."""
    if isinstance(error, LoginAwaited):
        return Course(0, 0.0, 0.0, dead=True) if may_move(situation) else None
    if _dead(error):
        return Course(0, None, 0.0, dead=True) if may_move(situation) else None
    if _late(situation):
        return None
    if situation.attempt >= (EMPTY_ATTEMPTS if isinstance(error, EmptyReply) else ATTEMPTS):
        return None
    return _again(error, situation.attempt, random)


def may_move(situation: Situation) -> bool:
    """Whether the request may leave an account that does no work for it, for another one."""
    return situation.moves < MOVES and not _late(situation)


def _late(situation: Situation) -> bool:
    return situation.waited >= WAITING or situation.left < LAST_CALL


def _dead(error: CwproxyError) -> bool:
    if isinstance(error, BackendUnavailable):
        return error.reason in ("login_not_renewed", "login_refused")
    return isinstance(
        error, QuotaExhausted | AccountUnusable | CredentialRejected | LoginRequired | ModelNotFound | StoreError
    )


def doubtful(error: CwproxyError) -> bool:
    """Whether it may be the request that is of no use, and not the account that has refused it."""
    if isinstance(error, AccountUnusable):
        return error.reason != "TEMPORARILY_SUSPENDED"
    return isinstance(error, ModelNotFound)


def broke_off(error: CwproxyError) -> bool:
    """Whether it is the connection that failed, and not the backend that said so."""
    if isinstance(error, BackendTimeout):
        return error.reason != "deadline"
    return isinstance(error, BackendUnavailable) and error.reason in ("connection_broken", "disconnected")


def _again(error: CwproxyError, attempt: int, random: float) -> Course | None:
    match error:
        case BackendTimeout(reason="deadline"):
            return None
        case BackendTimeout():
            # It has cost its full time-out already: once more on the same account would cost it again.
            return Course(TRANSPORT_TOKENS, None, 0.0)
        case BackendUnavailable(retry_safe=True) | BrokenStream():
            pause = _jittered(FAST_BASE, attempt, random)
            return Course(TRANSPORT_TOKENS, _asked(error.retry_after, pause), pause)
        case Throttled():
            here = _asked(error.retry_after, _jittered(SLOW_BASE, attempt, random))
            return Course(THROTTLE_TOKENS, here, random * MOVING)
        case ModelUnavailable():
            pause = _jittered(SLOW_BASE, attempt, random)
            return Course(THROTTLE_TOKENS, _asked(error.retry_after, pause), pause)
        case _:
            return None


def _jittered(base: float, attempt: int, random: float) -> float:
    return random * min(CAP, base * 2.0 ** (attempt - 1))


def _asked(retry_after: float | None, pause: float) -> float | None:
    if retry_after is None:
        return pause
    return retry_after if retry_after <= RETRY_AFTER_LIMIT else None


_ALIKE: Final = (
    (CredentialRejected, LoginRequired, AccountUnusable),
    (QuotaExhausted,),
    (Throttled,),
    (ModelUnavailable,),
    (ModelNotFound,),
)


def telling(error: CwproxyError, none: CwproxyError) -> CwproxyError:
    """Which of two the client should hear: how its call failed, or why nobody else can be called. The first says more
    where both say the same; the second where the first is over and done with.
    """
    alike = any(isinstance(error, kinds) and isinstance(none, kinds) for kinds in _ALIKE)
    if alike and isinstance(error, BackendError) and isinstance(none, BackendError) and error.retry_after is None:
        error.retry_after = none.retry_after
    return error if alike or not _dead(error) or isinstance(none, BackendUnavailable) else none
