"""cwproxy.errors -> what OpenAI's clients understand: one table for HTTP answers and for errors inside a stream.

Statuses and codes: reliability.md 1.8 "What the client gets", compatibility.md 1.5 to 1.8. `x-should-retry` is the
SDKs' own header: after our attempts are used up, theirs would only multiply the load.
"""

import math
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as OpenAI's clients are told it. `headers` are lower-case names and values."""

    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        """The envelope: `{"error": {"message", "type", "param", "code"}}`."""
        return msgspec.json.encode(
            {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}
        )

    def event(self) -> bytes:
        """The same inside a stream whose status has been sent. Nothing may follow it."""
        return b"data: " + self.body() + b"\n\n"


@dataclass(frozen=True, slots=True)
class _Row:
    status: int
    type: str
    code: str
    retry: bool = False


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
    (EmptyReply, _Row(502, "upstream_error", "upstream_empty_reply")),
    (BrokenStream, _Row(502, "upstream_error", "upstream_error")),
    (BackendError, _Row(502, "upstream_error", "upstream_error")),
    (StoreError, _Row(500, "server_error", "store_unavailable")),
    (CwproxyError, _Row(500, "server_error", "internal_error")),
)
"""First match counts, so a class stands before its base."""

_UNKNOWN: Final = "upstream_error"
"""The code that says least; a reason that the service gives says more."""


def failure_of(error: CwproxyError) -> Failure:
    """What the client is told of `error`. The backend's own sentence is kept, with its reason code behind it."""
    row = next(row for kind, row in _TABLE if isinstance(error, kind))
    code: str | None = row.code
    param: str | None = None
    if isinstance(error, InvalidRequest):
        code, param = error.code, error.param
    elif isinstance(error, BackendError) and code == _UNKNOWN and (error.reason or "").isupper():
        code = (error.reason or "").lower()  # the service's reasons are in capitals, ours are not
    headers = [("x-should-retry", "true" if row.retry else "false")]
    seconds = error.retry_after if isinstance(error, BackendError | Overloaded) else None
    if row.retry:
        headers.append(("retry-after", str(min(LONGEST_WAIT, max(SHORTEST_WAIT, math.ceil(seconds or 0))))))
    elif row.status == 429 and seconds is not None:
        headers.append(("retry-after", str(math.ceil(seconds))))
    return Failure(row.status, _sentence(error), row.type, code, param, tuple(headers))


def error_body(error: CwproxyError) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Status, headers and body of the HTTP answer that tells the client of `error`."""
    failure = failure_of(error)
    return failure.status, failure.headers, failure.body()


def _sentence(error: CwproxyError) -> str:
    reason = error.reason if isinstance(error, BackendError) else None
    if not reason or reason in error.message:
        return error.message
    return f"{error.message} ({reason})"
