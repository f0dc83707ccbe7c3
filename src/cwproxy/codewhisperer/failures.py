"""What the backend refuses, as cwproxy's errors: an HTTP answer or an exception frame in, one of `errors` out.

The service says the same thing with different statuses on different surfaces, so what counts is, in this order: the
sentence for an overlong input, the reason code, a known sentence, the name of the exception, the status
(protocol.md 4, backend-rules.md A6, reliability.md 1.2). Unknown reasons are passed on. Nothing of a body is shown
but its `message`, shortened and without anything that looks like a token.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from cwproxy.codewhisperer import jsontext
from cwproxy.codewhisperer.delays import MAX_RETRY_AFTER, retry_after
from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendUnavailable,
    ContextLengthExceeded,
    CredentialRejected,
    Evidence,
    InvalidRequest,
    ModelNotFound,
    ModelUnavailable,
    QuotaExhausted,
    Throttled,
)
from cwproxy.eventstream import Frame
from cwproxy.redaction import redacted

Failure: TypeAlias = BackendError | InvalidRequest

MAX_MESSAGE_LENGTH: Final = 400

BIG_BODY: Final = 600_000
"""Bytes of a request above which its size may be what the service means by "Improperly formed request."; the smallest
body that anybody has seen refused for its size had about as many (backend-rules.md A5 58, 60).
"""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_TOO_LONG = frozenset({"CONTENT_LENGTH_EXCEEDS_THRESHOLD", "PROMPT_TOO_LONG"})
_QUOTA = frozenset(
    {
        "HOURLY_REQUEST_COUNT",
        "DAILY_REQUEST_COUNT",
        "WEEKLY_REQUEST_COUNT",
        "MONTHLY_REQUEST_COUNT",
        "USAGE_LIMIT_REACHED",
        "OVERAGE_REQUEST_LIMIT_EXCEEDED",
    }
)
_INVALID = frozenset(
    {
        "DISALLOWED_FILE_TYPE",
        "DOCUMENT_COUNT_EXCEEDED",
        "DOCUMENT_DUPLICATE_NAME",
        "DOCUMENT_MAXIMUM_PAGES_EXCEEDED",
        "DOCUMENT_MODEL_NOT_SUPPORTED",
        "DOCUMENT_PASSWORD_PROTECTED",
        "DOCUMENT_SIZE_EXCEEDED",
        "IMAGE_COUNT_EXCEEDED",
        "IMAGE_DIMENSION_EXCEEDED",
        "IMAGE_FORMAT_UNSUPPORTED",
        "IMAGE_MIME_MISMATCH",
        "IMAGE_SIZE_EXCEEDED",
        "INVALID_CONVERSATION_ID",
        "INVALID_DOCUMENT_NAME",
        "REQUEST_BODY_INVALID",
        "REQUEST_BODY_INVALID_JSON",
        "THINKING_SIGNATURE_INVALID",
        "TOOL_CONFIG_MISSING",
        "TOOL_DUPLICATE",
        "TOOL_SCHEMA_INVALID",
        "TOOL_USE_RESULT_MISMATCH",
        "UNSUPPORTED_LANGUAGE",
    }
)
"""Faults of the request. The status is no help: they have come with a 5xx, too (protocol.md 2.11)."""

_LIMITED = frozenset({"ThrottlingException", "TooManyRequestsException", "ServiceQuotaExceededException"})
_CAPACITY = frozenset({"INSUFFICIENT_MODEL_CAPACITY", "MODEL_TEMPORARILY_UNAVAILABLE"})
_RATE = frozenset({"CREDIT_CONSUMPTION_RATE_EXCEEDED", "USER_REQUEST_RATE_EXCEEDED", "SERVICE_REQUEST_RATE_EXCEEDED"})
_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})

API_CHANGED: Final = "upstream_api_changed"
"""The reason that is given where the service gives none and does not know the call (reliability.md 3C 63)."""

_PROFILE_HINT = (
    "Choose the account's profile again (`cwproxy login`), check that its region is the profile's, "
    "or use the surface `q` for a Builder ID."
)
_IMPROPER = "Improperly formed request."
_SIZE_HINT = (
    "The backend says the same of fifty different faults. This request had {size:,} bytes, and bodies of that size "
    "have been refused for it: a shorter conversation may pass."
)
_SURFACE_HINT = "This API may be retired at this address: set the surface to `kiro`, or to `q` where it is `kiro`."


class _Facts(msgspec.Struct, frozen=True):
    """What was found in an answer. `kind` is the exception's bare name, `status` None inside a stream, `sent` the bytes
    of the request's body where that is known.
    """

    kind: str
    message: str
    reason: str | None
    status: int | None
    retry_after: float | None
    request_id: str | None
    sent: int = 0

    def sentence(self, fallback: str) -> str:
        said = self.message or fallback
        return f"{said} ({self.reason})" if self.reason else said

    def error(self, make: type[BackendError], fallback: str, hint: str = "") -> BackendError:
        return make(
            f"{self.sentence(fallback)} {hint}".rstrip(),
            reason=self.reason,
            status=self.status,
            retry_after=self.retry_after,
            request_id=self.request_id,
        )


def from_response(status: int, headers: Mapping[str, str], body: bytes, *, sent: int = 0) -> Failure:
    """The error of an HTTP answer that is not an event stream. `body` may be HTML, empty or cut short; `sent` is how
    many bytes the request's body had.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    members = _members(body)
    kind = _bare(lowered.get("x-amzn-errortype") or _text(members, "code") or _text(members, "__type"))
    facts = _Facts(
        kind=kind,
        message=_clean(_message(members)),
        reason=_reason(members, body, limited=kind in _LIMITED or status in (402, 429)),
        status=status,
        retry_after=retry_after(lowered, members),
        request_id=lowered.get("x-amzn-requestid"),
        sent=sent,
    )
    failure = _classify(facts)
    failure.evidence = Evidence(status=status, headers=lowered, received=body)
    return failure


def from_frame(frame: Frame) -> Failure:
    """The error of a frame whose `:message-type` is `exception` or `error` (protocol.md 3.6)."""
    members = _members(frame.payload)
    kind = _bare(_header(frame, ":exception-type") or _header(frame, ":error-code"))
    facts = _Facts(
        kind=kind,
        message=_clean(_message(members) or _header(frame, ":error-message")),
        reason=_reason(members, frame.payload, limited=kind in _LIMITED),
        status=None,
        retry_after=retry_after({}, members),
        request_id=None,
    )
    failure = _classify(facts)
    headers = {name: str(value) for name, value in frame.headers.items()}
    failure.evidence = Evidence(status=200, headers=headers, received=frame.payload)
    return failure


def _classify(facts: _Facts) -> Failure:
    for judge in (_by_reason, _by_sentence, _by_size, _by_kind):
        failure = judge(facts)
        if failure is not None:
            return failure
    return _by_status(facts)


def _by_reason(facts: _Facts) -> Failure | None:
    reason = facts.reason or ""
    if reason in _TOO_LONG or re.search(r"(?:Input|Prompt) is too long\.", facts.message):
        return ContextLengthExceeded(facts.sentence("The conversation is too long for the model."))
    if reason in _QUOTA:
        return facts.error(QuotaExhausted, "The account's allowance is used up.")
    if reason in _CAPACITY:
        return facts.error(ModelUnavailable, "The model is overloaded.")
    if reason in _RATE:
        return facts.error(Throttled, "The account sends too many requests.")
    if reason == "INVALID_MODEL_ID":
        return ModelNotFound(facts.sentence("The account may not use this model."))
    if reason == "CONVERSATION_LIMIT_EXCEEDED":
        return InvalidRequest(facts.sentence("The conversation has reached the backend's limit."), code=reason.lower())
    if reason == "TEMPORARILY_SUSPENDED":
        return facts.error(AccountUnusable, "The account is suspended.", "Only AWS's support can unlock it.")
    if reason in _INVALID:
        return _invalid(facts)
    if is_misconfiguration(reason):
        return facts.error(AccountUnusable, "The account is not set up for this.")
    return None


def is_misconfiguration(reason: str | None) -> bool:
    """Whether the reason of a denial is one that stays until a person changes something (reliability.md 1.2)."""
    given = reason or ""
    return given == "FEATURE_NOT_SUPPORTED" or given.startswith("UNAUTHORIZED_") or "KMS_" in given


_Judgement: TypeAlias = Callable[[_Facts], Failure]


def _soft_ban(facts: _Facts) -> Failure:
    """The service limits the account for a while and does not say how long (backend-rules.md A6 74)."""
    return Throttled(
        facts.sentence(""),
        reason=facts.reason,
        status=facts.status,
        retry_after=facts.retry_after or MAX_RETRY_AFTER,
        request_id=facts.request_id,
    )


_SENTENCES: Final[tuple[tuple[re.Pattern[str], _Judgement], ...]] = (
    (re.compile("suspicious activity", re.IGNORECASE), _soft_ban),
    (re.compile("unexpectedly high load|experiencing high traffic"), lambda facts: facts.error(ModelUnavailable, "")),
    (
        re.compile("reached for this month|You have reached the limit|credit limit exceeded"),
        lambda facts: facts.error(QuotaExhausted, ""),
    ),
    (
        re.compile(
            "bearer token included in the request is invalid|Missing bearer token|security token included",
            re.IGNORECASE,
        ),
        lambda facts: facts.error(CredentialRejected, ""),
    ),
    (re.compile("temporarily is suspended"), lambda facts: facts.error(AccountUnusable, "")),
    (
        re.compile("profileArn is required|not authorized to make this call|Builder ID is not supported"),
        lambda facts: facts.error(AccountUnusable, "", _PROFILE_HINT),
    ),
    (re.compile(r"Invalid model( ID)?\. Please select"), lambda facts: ModelNotFound(facts.sentence(""))),
)


def _by_sentence(facts: _Facts) -> Failure | None:
    for pattern, judge in _SENTENCES:
        if pattern.search(facts.message):
            return judge(facts)
    return None


_KINDS: Final[Mapping[str, _Judgement]] = {
    "ThrottlingException": lambda facts: facts.error(Throttled, "The account sends too many requests."),
    "TooManyRequestsException": lambda facts: facts.error(Throttled, "The account sends too many requests."),
    "ServiceQuotaExceededException": lambda facts: facts.error(QuotaExhausted, "The account's allowance is used up."),
    "ExpiredTokenException": lambda facts: facts.error(CredentialRejected, "The credential has expired."),
    "UnrecognizedClientException": lambda facts: facts.error(CredentialRejected, "The credential is not known."),
    "InvalidSignatureException": lambda facts: facts.error(CredentialRejected, "The signature was not accepted."),
    "AccessDeniedException": lambda facts: facts.error(AccountUnusable, "The account may not do this."),
    "ResourceNotFoundException": lambda facts: facts.error(AccountUnusable, "It does not exist.", _PROFILE_HINT),
    "ConflictException": lambda facts: facts.error(AccountUnusable, "The account's settings are in conflict."),
    "ValidationException": lambda facts: _invalid(facts),
    "UnknownOperationException": lambda facts: _retired(facts),
    "InternalServerException": lambda facts: _unavailable(facts, "The backend failed."),
    "ServiceUnavailableException": lambda facts: _unavailable(facts, "The backend is not available."),
}


def _by_size(facts: _Facts) -> Failure | None:
    """Whoever is before the service may say so, too, and not in its words."""
    if facts.status != 413:
        return None
    return InvalidRequest(facts.sentence("The request is too large for the backend."), code="request_too_large")


def _by_kind(facts: _Facts) -> Failure | None:
    judge = _KINDS.get(facts.kind)
    return judge(facts) if judge else None


def _by_status(facts: _Facts) -> Failure:
    status = facts.status
    if status is None:
        return _unavailable(facts, f"The backend broke off with {facts.kind or 'an error without a name'}.")
    if status == 401:
        return facts.error(CredentialRejected, "The credential was not accepted.")
    if status == 402:
        return facts.error(QuotaExhausted, "The account's allowance is used up.")
    if status == 403:
        return facts.error(AccountUnusable, "The backend refused the account.")
    if status == 429:
        return facts.error(Throttled, "The account sends too many requests.")
    if status in (404, 405):
        return _retired(facts)
    if 400 <= status < 500 and status not in _TRANSIENT:
        return InvalidRequest(facts.sentence(f"The backend refused the request (HTTP {status})."), code=None)
    return _unavailable(facts, f"The backend answered with HTTP {status}.")


def _unavailable(facts: _Facts, fallback: str) -> BackendUnavailable:
    return BackendUnavailable(
        facts.sentence(fallback),
        reason=facts.reason,
        status=facts.status,
        retry_after=facts.retry_after,
        request_id=facts.request_id,
        retry_safe=facts.status is None or facts.status in _TRANSIENT,
    )


def _invalid(facts: _Facts) -> InvalidRequest:
    """The reason, known or not, is the code."""
    said = facts.sentence("The backend refused the request without a reason.")
    if facts.sent > BIG_BODY and facts.message.startswith(_IMPROPER):
        said = f"{said} {_SIZE_HINT.format(size=facts.sent)}"
    return InvalidRequest(said, code=(facts.reason or "").lower() or None)


def _retired(facts: _Facts) -> BackendUnavailable:
    return BackendUnavailable(
        f"{facts.sentence(f'The backend does not know this call (HTTP {facts.status}).')} {_SURFACE_HINT}",
        reason=facts.reason or API_CHANGED,
        status=facts.status,
        request_id=facts.request_id,
        retry_safe=False,
    )


def _members(body: bytes) -> Mapping[str, object]:
    """The members of a JSON object; nothing for HTML, an empty body, or one that was cut."""
    try:
        document = jsontext.parse(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _header(frame: Frame, name: str) -> str:
    value = frame.headers.get(name)
    return value if isinstance(value, str) else ""


def _message(members: Mapping[str, object]) -> str:
    return _text(members, "message") or _text(members, "Message") or _text(members, "errorMessage")


def _reason(members: Mapping[str, object], body: bytes, *, limited: bool) -> str | None:
    """The reason code; AWS's own client looks for this one anywhere in the body (protocol.md 4.4). Not where nothing
    else speaks of a limit: a refusal may quote what was sent, and an account is not out because of a word.
    """
    reason = _clean(_text(members, "reason"))
    if limited and not reason and b"MONTHLY_REQUEST_COUNT" in body:
        return "MONTHLY_REQUEST_COUNT"
    return reason or None


def _bare(kind: str) -> str:
    """`com.amazon…#ThrottlingException`, `ThrottlingException:http://…` and `throttlingError` are one name."""
    name = kind.split(":", 1)[0].rsplit("#", 1)[-1].strip()
    if name == "error":
        return "InternalServerException"
    if name.endswith("Error"):
        name = name.removesuffix("Error") + "Exception"
    return _clean(name[:1].upper() + name[1:])


def _clean(text: str) -> str:
    """One line without tokens, of at most `MAX_MESSAGE_LENGTH` characters."""
    return _UNPRINTABLE.sub(" ", redacted(text)).strip()[:MAX_MESSAGE_LENGTH]
