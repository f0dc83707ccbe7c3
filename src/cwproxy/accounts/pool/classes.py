"""What a failed call says, and of whom: of the account, of the model, of the endpoint, or of nobody.

The table of reliability.md 1.2 and the faults of its section 3. A failure that only the request is to blame for has
no class, and judges nobody.
"""

import enum
from typing import Final, TypeAlias

import msgspec

from cwproxy.codewhisperer.failures import is_misconfiguration
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
    Throttled,
)


class FailureClass(enum.Enum):
    """Of whom it speaks, and what the pool does.

    THROTTLED: the account; cool-down, a lower in-flight limit.
    SHORT_QUOTA: the account; out for minutes, and longer each time, until 00:00 UTC.
    LONG_QUOTA: the account; out until the month, or the period that the service names, is over.
    CREDENTIAL: the account; `needs_login`. Only after a forced refresh has not helped.
    SUSPENDED, MISCONFIGURED: the account; until a person clears it.
    REFUSED: the account; a denial that gives no reason, or none that is known; cool-down.
    MODEL_UNKNOWN: the account with this model; another account may have it.
    CAPACITY: the model.
    SERVER, TIMEOUT: the account, and the endpoint when all its accounts see the same.
    CONNECTION: the endpoint.
    BROKEN_STREAM, API_CHANGED: the account.
    EMPTY: nobody; an answer without anything in it. It is counted only.
    """

    THROTTLED = "throttled"
    SHORT_QUOTA = "short_quota"
    LONG_QUOTA = "long_quota"
    CREDENTIAL = "credential"
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"
    REFUSED = "refused"
    MODEL_UNKNOWN = "model_unknown"
    CAPACITY = "capacity"
    SERVER = "server"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    BROKEN_STREAM = "broken_stream"
    API_CHANGED = "api_changed"
    EMPTY = "empty"


class Failure(msgspec.Struct, frozen=True):
    """retry_after: seconds that the service asked for. until: when it says that a quota begins anew, epoch seconds.
    reason: the service's code. model: which one was meant, if not the lease's. detail: a sentence, without secrets.
    """

    kind: FailureClass
    retry_after: float | None = None
    until: float | None = None
    reason: str | None = None
    model: str | None = None
    detail: str = ""


class Served(msgspec.Struct, frozen=True):
    """The answer came whole. seconds: from the call to its end."""

    seconds: float


class Failed(msgspec.Struct, frozen=True):
    failure: Failure


class Left(msgspec.Struct, frozen=True):
    """The client went away, or the request itself was at fault: nothing is learnt of anybody."""


Outcome: TypeAlias = Served | Failed | Left

_CONNECTING: Final = frozenset({"connect_failed", "connect_timeout", "upstream_tls_error"})
_IN_TRANSIT: Final = frozenset({"disconnected", "connection_broken"})
_OURS: Final = frozenset({"out_of_descriptors", "deadline"})
"""Faults of this machine, and of the time that the client gave."""

_SHORT: Final = frozenset({"HOURLY_REQUEST_COUNT", "DAILY_REQUEST_COUNT"})
_SUSPENDED_SENTENCE: Final = "temporarily is suspended"
"""Seen with and without its reason code (backend-rules.md A6 75)."""


def classify(error: CwproxyError, *, began: bool = False) -> Failure | None:
    """What `error`, raised by a call to the backend, says. None: nothing about account, model or endpoint.

    began: the backend had begun to answer. A connection that breaks before is the endpoint's fault, after it the
    account's.
    """
    kind = _kind(error, began=began)
    if kind is None:
        return None
    if isinstance(error, BackendError):
        return Failure(kind, retry_after=error.retry_after, reason=error.reason, detail=error.message)
    return Failure(kind, detail=error.message)


def _kind(error: CwproxyError, *, began: bool) -> FailureClass | None:
    match error:
        case LoginAwaited():
            return None
        case BackendUnavailable():
            return _unavailable(error, began=began)
        case BrokenStream():
            return FailureClass.EMPTY if isinstance(error, EmptyReply) else FailureClass.BROKEN_STREAM
        case Throttled():
            return FailureClass.THROTTLED
        case ModelUnavailable():
            return FailureClass.CAPACITY
        case ModelNotFound():
            return FailureClass.MODEL_UNKNOWN
        case CredentialRejected() | LoginRequired():
            return FailureClass.CREDENTIAL
        case QuotaExhausted():
            return _quota(error)
        case AccountUnusable():
            return _unusable(error)
        case _:
            return None


def _unavailable(error: BackendUnavailable, *, began: bool) -> FailureClass | None:
    if error.reason in _OURS:
        return None
    if error.reason in _CONNECTING:
        return FailureClass.CONNECTION
    if error.reason in _IN_TRANSIT:
        return FailureClass.BROKEN_STREAM if began else FailureClass.CONNECTION
    if error.status is not None and 400 <= error.status < 500 and not error.retry_safe:
        return FailureClass.API_CHANGED
    return FailureClass.TIMEOUT if isinstance(error, BackendTimeout) else FailureClass.SERVER


def _quota(error: QuotaExhausted) -> FailureClass:
    """The message of DAILY_REQUEST_COUNT has been seen to speak of five minutes (backend-rules.md A6 70). Without a
    reason, a 429 is taken for the short kind: that is found out soon enough if it is not.
    """
    short = error.reason in _SHORT or (error.reason is None and error.status == 429)
    return FailureClass.SHORT_QUOTA if short else FailureClass.LONG_QUOTA


def _unusable(error: AccountUnusable) -> FailureClass:
    """Without a reason it may be a proxy or a captive portal that answers 403 for all accounts, and one that nobody
    knows may pass: none is written off.
    """
    if error.reason == "TEMPORARILY_SUSPENDED" or _SUSPENDED_SENTENCE in error.message:
        return FailureClass.SUSPENDED
    return FailureClass.MISCONFIGURED if is_misconfiguration(error.reason) else FailureClass.REFUSED
