"""Every error that cwproxy raises on purpose.

    CwproxyError
    ├── InvalidRequest                the client asked for something that cannot be served as written
    │   ├── ContextLengthExceeded     ... because the conversation is longer than the model's window
    │   └── ModelNotFound             ... because no account offers that model
    ├── BackendError                  what AWS answered, or failed to answer
    │   ├── Throttled                 too many requests; later is fine
    │   ├── ModelUnavailable          the model has no capacity; the account is fine
    │   ├── QuotaExhausted            the account has used up a period's allowance
    │   ├── CredentialRejected        the access token was not accepted; a refresh may help
    │   ├── AccountUnusable           suspended or not entitled; only a person can help
    │   ├── BackendUnavailable        5xx, or the connection failed
    │   │   ├── BackendTimeout        it did not answer in time
    │   │   └── LoginAwaited          the login is still being renewed, and another account is free
    │   └── BrokenStream              the answer began and cannot be trusted to its end
    │       ├── FrameError            the bytes are not an event stream (CRC, lengths, cut frame)
    │       ├── StreamTruncated       it ended before the answer was complete
    │       │   └── ToolUseTruncated  ... in the middle of a tool call
    │       └── EmptyReply            it ended without having said anything
    ├── Overloaded                    there are accounts, but nobody is free to answer; nothing was sent
    ├── LoginRequired                 there is no usable login; `cwproxy login` makes one
    ├── LoginFailed                   the device flow ended without a token
    ├── StoreError                    the files that keep accounts and tokens cannot be used
    │   └── SourceError               ... of another program, whose login is shared
    └── SettingsError                 flags, environment or file say something impossible

Errors carry facts as attributes; the message is one sentence for a person and never holds a secret. They know
nothing of HTTP servers: `api` maps them to statuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Evidence:
    """The exchange with the backend that an error came from. It holds what people said: it is never logged or shown,
    only written where the user asked for that.

    target: `X-Amz-Target` of the request, empty where it has none. sent, received: the bodies; of a stream, the payload
    of the frame that ended it. status: None without an answer.
    """

    url: str = field(default="", repr=False)
    target: str = ""
    sent: bytes = field(default=b"", repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    received: bytes = field(default=b"", repr=False)


class CwproxyError(Exception):
    """Base of the tree. `message` is one sentence that says what to change, where that is known."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.evidence: Evidence | None = None


class InvalidRequest(CwproxyError):
    """`param` is the path of the offending member in the client's own body, `code` the machine-readable why."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = "invalid_value") -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class ContextLengthExceeded(InvalidRequest):
    """The client should compact the conversation and try again."""

    def __init__(self, message: str, *, param: str = "messages") -> None:
        super().__init__(message, param=param, code="context_length_exceeded")


class ModelNotFound(InvalidRequest):
    """No account of this proxy may use the model."""

    def __init__(self, message: str) -> None:
        super().__init__(message, param="model", code="model_not_found")


class BackendError(CwproxyError):
    """What the backend said.

    reason: the service's own reason code (protocol.md 4.2), passed through even when it is not known to us.
    status: the HTTP status, or None for a failure inside a stream or before any answer.
    retry_after: seconds the service asked for, or None.
    request_id: `x-amzn-RequestId`, for a support case.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id


class Throttled(BackendError):
    """The account sends too much."""


class ModelUnavailable(BackendError):
    """The model is overloaded for everybody."""


class QuotaExhausted(BackendError):
    """A monthly, daily or overage allowance is used up."""


class CredentialRejected(BackendError):
    """The bearer token is invalid or has expired. The backend answers 403, not 401 (backend-rules.md A6 76)."""


class AccountUnusable(BackendError):
    """Suspended, not entitled, or wrongly configured. Never retried on the same account."""


class BackendUnavailable(BackendError):
    """A server fault or a transport failure. `retry_safe` is true when no byte of an answer had arrived.

    replayable: a connection that had been kept from an earlier call turned out to be dead before a byte of the answer
    came. One immediate repetition is nobody's fault and costs no attempt (reliability.md 1.8).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        retry_safe: bool = True,
        replayable: bool = False,
    ) -> None:
        super().__init__(message, reason=reason, status=status, retry_after=retry_after, request_id=request_id)
        self.retry_safe = retry_safe
        self.replayable = replayable


class BackendTimeout(BackendUnavailable):
    """No answer, no first event, or no next event in time."""


class LoginAwaited(BackendUnavailable):
    """The login is being renewed, which goes on. Nothing was answered, and another account can answer meanwhile."""


class BrokenStream(BackendError):
    """The stream failed after it began. What was already said stays said; it is never ended as if whole."""


class FrameError(BrokenStream):
    """The bytes violate `application/vnd.amazon.eventstream`."""


class StreamTruncated(BrokenStream):
    """The stream stopped before the answer was complete."""


class ToolUseTruncated(StreamTruncated):
    """The stream stopped inside a tool call; its arguments must not be used."""


class EmptyReply(BrokenStream):
    """The stream ended without text, tool call or reasoning."""


class Overloaded(CwproxyError):
    """Every account that could answer is busy, and the queue is full or was too slow. retry_after: seconds, or None."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LoginRequired(CwproxyError):
    """No account, or one whose refresh token is spent."""


class LoginFailed(CwproxyError):
    """The person denied the login, let the code expire, or the service refused it."""


class StoreError(CwproxyError):
    """The store is unreadable, too open, or of a newer version."""


class SourceError(StoreError):
    """The file in which another program keeps its login cannot be read or written."""


class SettingsError(CwproxyError):
    """A setting has an impossible value, or two contradict each other."""
