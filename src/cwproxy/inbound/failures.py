"""cwproxy.errors -> statuses, codes and advice to retry: one table for HTTP answers and for errors inside a stream.

Statuses and codes: reliability.md 1.8 "What the client gets", compatibility.md 1.5 to 1.8. `x-should-retry` is the
SDKs' own header: after our attempts are used up, theirs would only multiply the load.
"""

import math
from typing import Final, Protocol

import msgspec

from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendTimeout,
    BrokenStream,
    ContextLengthExceeded,
    CredentialRejected,
    CwproxyError,
    EmptyReply,
    FrameError,
    InvalidRequest,
    LoginRequired,
    ModelNotFound,
    ModelUnavailable,
    Overloaded,
    QuotaExhausted,
    StoreError,
    StreamTruncated,
    Throttled,
    ToolUseTruncated,
)

SHORTEST_WAIT: Final = 1
LONGEST_WAIT: Final = 60
"""Seconds of `retry-after` for what passes by itself; above 120 the SDKs give up (compatibility.md 1.6)."""


class Failure(msgspec.Struct, frozen=True):
    """An error in no dialect. `type` and `code` are OpenAI's words, in which the log speaks, too; `headers` are
    lower-case names and values.
    """

    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Envelope(Protocol):
    """How the clients of one API are told of what is no answer.

    id_headers: where they look for the id of the request. timing_header: where for the time that an answer took.
    ping: what keeps a silent stream awake.
    """

    @property
    def id_headers(self) -> tuple[str, ...]: ...
    @property
    def timing_header(self) -> str | None: ...
    @property
    def ping(self) -> bytes: ...
    def status(self, failure: Failure, /) -> int: ...
    def body(self, failure: Failure, request_id: str, /) -> bytes: ...
    def event(self, failure: Failure, request_id: str, /) -> bytes:
        """Inside a stream whose status has been sent; nothing may follow it."""


class _Row(msgspec.Struct, frozen=True):
    """wait: seconds until the next try, where the error does not say."""

    status: int
    type: str
    code: str
    retry: bool = False
    wait: float = 0.0


_TABLE: Final[tuple[tuple[type[CwproxyError], _Row], ...]] = (
    (ContextLengthExceeded, _Row(400, "invalid_request_error", "context_length_exceeded")),
    (ModelNotFound, _Row(404, "invalid_request_error", "model_not_found")),
    (InvalidRequest, _Row(400, "invalid_request_error", "invalid_value")),
    (Throttled, _Row(429, "rate_limit_error", "rate_limit_exceeded", retry=True)),
    (ModelUnavailable, _Row(503, "server_error", "model_overloaded", retry=True)),
    (Overloaded, _Row(503, "server_error", "overloaded", retry=True)),
    (QuotaExhausted, _Row(429, "insufficient_quota", "insufficient_quota")),
    (CredentialRejected, _Row(502, "upstream_error", "upstream_credentials_exhausted")),
    (AccountUnusable, _Row(502, "upstream_error", "upstream_credentials_exhausted")),
    (LoginRequired, _Row(502, "upstream_error", "upstream_credentials_exhausted")),
    (BackendTimeout, _Row(504, "upstream_error", "upstream_timeout")),
    (ToolUseTruncated, _Row(502, "upstream_error", "upstream_incomplete_tool_call")),
    (StreamTruncated, _Row(502, "upstream_error", "upstream_truncated")),
    (FrameError, _Row(502, "upstream_error", "upstream_malformed")),
    (EmptyReply, _Row(502, "upstream_error", "empty_response")),
    (BrokenStream, _Row(502, "upstream_error", "upstream_error")),
    (BackendError, _Row(502, "upstream_error", "upstream_error")),
    (StoreError, _Row(503, "server_error", "store_unavailable", retry=True, wait=5.0)),
    (CwproxyError, _Row(500, "server_error", "internal_error")),
)
"""First match counts, so a class stands before its base."""

_UNKNOWN: Final = "upstream_error"
"""The code that says least; a reason that the service gives says more."""

_TELLING: Final = frozenset({"upstream_tls_error", "unexpected_content_type", "upstream_api_changed"})
"""Reasons of our own that do (reliability.md 3 3, 63, 72); the service's are in capitals."""

_OURS: Final = {
    "out_of_descriptors": _Row(503, "server_error", "overloaded", retry=True),
    "login_not_renewed": _Row(503, "server_error", "login_not_renewed", retry=True, wait=5.0),
}
"""By reason, where nothing was sent to the backend: this machine has no free descriptors, or the login could not be
renewed yet (reliability.md 3A 26, 3D 81).
"""


_TOO_LARGE: Final = _Row(413, "request_too_large", "request_too_large")
"""What the backend's 413 stays (reliability.md 3C 65)."""


def failure_of(error: CwproxyError) -> Failure:
    """What the client is told of `error`. The backend's own sentence is kept, with its reason code behind it."""
    row = _row(error)
    code: str | None = row.code
    param: str | None = None
    if isinstance(error, InvalidRequest):
        code, param = error.code, error.param
    elif isinstance(error, BackendError) and code == _UNKNOWN:
        reason = error.reason or ""
        code = reason.lower() if reason.isupper() or reason in _TELLING else code
    headers = [("x-should-retry", "true" if row.retry else "false")]
    seconds = error.retry_after if isinstance(error, BackendError | Overloaded) else None
    if row.retry:
        headers.append(("retry-after", str(min(LONGEST_WAIT, max(SHORTEST_WAIT, math.ceil(seconds or row.wait))))))
    elif row.status == 429 and seconds is not None:
        headers.append(("retry-after", str(math.ceil(seconds))))
    return Failure(row.status, _sentence(error), row.type, code, param, tuple(headers))


def _row(error: CwproxyError) -> _Row:
    if isinstance(error, BackendError) and error.reason in _OURS:
        return _OURS[error.reason]
    if isinstance(error, InvalidRequest) and error.code == _TOO_LARGE.code:
        return _TOO_LARGE
    return next(row for kind, row in _TABLE if isinstance(error, kind))


def _sentence(error: CwproxyError) -> str:
    if isinstance(error, StoreError):  # its own sentence names hosts, paths and users of the machine
        return "cwproxy cannot use its store at the moment; its log and `cwproxy doctor` say why."
    reason = error.reason if isinstance(error, BackendError) else None
    if not reason or reason in error.message:
        return error.message
    return f"{error.message} ({reason})"
