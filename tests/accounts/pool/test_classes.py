import json

import pytest

from cwproxy.accounts.pool.classes import Failure, FailureClass, classify
from cwproxy.codewhisperer.failures import from_response
from cwproxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    BrokenStream,
    ContextLengthExceeded,
    CwproxyError,
    EmptyReply,
    FrameError,
    InvalidRequest,
    LoginAwaited,
    LoginRequired,
    SettingsError,
    StoreError,
    StreamTruncated,
    Throttled,
    ToolUseTruncated,
)


def answered(status: int, kind: str | None = None, reason: str | None = None, message: str = "") -> CwproxyError:
    body = json.dumps({"__type": kind, "reason": reason, "message": message}).encode()
    return from_response(status, {}, body)


def kind_of(error: CwproxyError, *, began: bool = False) -> FailureClass | None:
    failure = classify(error, began=began)
    return failure.kind if failure else None


@pytest.mark.parametrize(
    ("status", "kind", "reason", "message", "expected"),
    [
        (429, None, None, "", FailureClass.THROTTLED),
        (429, "ThrottlingException", "USER_REQUEST_RATE_EXCEEDED", "", FailureClass.THROTTLED),
        (429, None, None, "Due to suspicious activity, we are imposing temporary limits", FailureClass.THROTTLED),
        (429, "ThrottlingException", "DAILY_REQUEST_COUNT", "5-minute credit limit exceeded", FailureClass.SHORT_QUOTA),
        (429, None, None, "5-minute credit limit exceeded", FailureClass.SHORT_QUOTA),
        (429, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "", FailureClass.LONG_QUOTA),
        (402, None, "MONTHLY_REQUEST_COUNT", "You have reached the limit.", FailureClass.LONG_QUOTA),
        (402, None, None, "", FailureClass.LONG_QUOTA),
        (400, "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT", "", FailureClass.LONG_QUOTA),
        (400, "ServiceQuotaExceededException", "OVERAGE_REQUEST_LIMIT_EXCEEDED", "", FailureClass.LONG_QUOTA),
        (400, "ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED", "", None),
        (429, "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", "", FailureClass.CAPACITY),
        (500, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE", "", FailureClass.CAPACITY),
        (500, None, None, "Encountered unexpectedly high load when processing the request", FailureClass.CAPACITY),
        (500, "InternalServerException", None, "", FailureClass.SERVER),
        (502, None, None, "", FailureClass.SERVER),
        (503, "ServiceUnavailableException", None, "", FailureClass.SERVER),
        (504, None, None, "", FailureClass.SERVER),
        (408, None, None, "", FailureClass.SERVER),
        (599, None, None, "", FailureClass.SERVER),
        (302, None, None, "", FailureClass.SERVER),
        (404, None, None, "", FailureClass.API_CHANGED),
        (405, None, None, "", FailureClass.API_CHANGED),
        (400, "UnknownOperationException", None, "", FailureClass.API_CHANGED),
        (401, None, None, "", FailureClass.CREDENTIAL),
        (403, None, None, "The bearer token included in the request is invalid.", FailureClass.CREDENTIAL),
        (403, "AccessDeniedException", "TEMPORARILY_SUSPENDED", "", FailureClass.SUSPENDED),
        (403, "AccessDeniedException", None, "Your User ID (1) temporarily is suspended.", FailureClass.SUSPENDED),
        (403, "AccessDeniedException", "FEATURE_NOT_SUPPORTED", "", FailureClass.MISCONFIGURED),
        (403, "AccessDeniedException", "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS", "", FailureClass.MISCONFIGURED),
        (409, "ConflictException", "CUSTOMER_KMS_KEY_DISABLED", "", FailureClass.MISCONFIGURED),
        (403, None, None, "", FailureClass.REFUSED),
        (403, "AccessDeniedException", "SOMETHING_NEW", "Try again later.", FailureClass.REFUSED),
        (404, "ResourceNotFoundException", "SOMETHING_NEW", "", FailureClass.REFUSED),
        (500, "InternalServerException", "TOOL_USE_RESULT_MISMATCH", "", None),
        (503, "ServiceUnavailableException", "REQUEST_BODY_INVALID", "", None),
        (403, "AccessDeniedException", None, "User is not authorized to make this call.", FailureClass.REFUSED),
        (400, "ValidationException", "INVALID_MODEL_ID", "Invalid model.", FailureClass.MODEL_UNKNOWN),
        (400, "ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "Input is too long.", None),
        (400, "ValidationException", "INVALID_CONVERSATION_ID", "", None),
        (400, "ValidationException", None, "Improperly formed request.", None),
        (413, None, None, "", None),
        (422, None, "SOMETHING_NEW", "", None),
    ],
)
def test_every_answer_of_the_backend_has_its_class(
    status: int, kind: str | None, reason: str | None, message: str, expected: FailureClass | None
) -> None:
    assert kind_of(answered(status, kind, reason, message)) is expected


@pytest.mark.parametrize(
    ("error", "before", "after"),
    [
        (BackendUnavailable("", reason="connect_failed"), FailureClass.CONNECTION, FailureClass.CONNECTION),
        (BackendUnavailable("", reason="connect_timeout"), FailureClass.CONNECTION, FailureClass.CONNECTION),
        (
            BackendUnavailable("", reason="upstream_tls_error", retry_safe=False),
            FailureClass.CONNECTION,
            FailureClass.CONNECTION,
        ),
        (BackendUnavailable("", reason="disconnected"), FailureClass.CONNECTION, FailureClass.BROKEN_STREAM),
        (BackendUnavailable("", reason="connection_broken"), FailureClass.CONNECTION, FailureClass.BROKEN_STREAM),
        (BackendUnavailable("", reason="out_of_descriptors"), None, None),
        (BackendTimeout("", reason="deadline"), None, None),
        (BackendTimeout(""), FailureClass.TIMEOUT, FailureClass.TIMEOUT),
        (BackendUnavailable(""), FailureClass.SERVER, FailureClass.SERVER),
        (BrokenStream(""), FailureClass.BROKEN_STREAM, FailureClass.BROKEN_STREAM),
        (FrameError(""), FailureClass.BROKEN_STREAM, FailureClass.BROKEN_STREAM),
        (StreamTruncated(""), FailureClass.BROKEN_STREAM, FailureClass.BROKEN_STREAM),
        (ToolUseTruncated(""), FailureClass.BROKEN_STREAM, FailureClass.BROKEN_STREAM),
        (EmptyReply(""), FailureClass.EMPTY, FailureClass.EMPTY),
        (LoginRequired(""), FailureClass.CREDENTIAL, FailureClass.CREDENTIAL),
        (InvalidRequest(""), None, None),
        (ContextLengthExceeded(""), None, None),
        (StoreError(""), None, None),
        (SettingsError(""), None, None),
        (BackendError(""), None, None),
    ],
)
def test_failures_without_an_answer(
    error: CwproxyError, before: FailureClass | None, after: FailureClass | None
) -> None:
    assert kind_of(error) is before
    assert kind_of(error, began=True) is after


def test_the_facts_of_the_error_go_along() -> None:
    error = Throttled("Slowly.", reason="USER_REQUEST_RATE_EXCEEDED", retry_after=7.0)
    assert classify(error) == Failure(
        FailureClass.THROTTLED, retry_after=7.0, reason="USER_REQUEST_RATE_EXCEEDED", detail="Slowly."
    )
    assert classify(LoginAwaited("Wait.", reason="login_not_renewed")) is None
    assert classify(LoginRequired("Log in.")) == Failure(FailureClass.CREDENTIAL, detail="Log in.")
