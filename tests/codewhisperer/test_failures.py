import json

import pytest

from cwproxy.codewhisperer import failures
from cwproxy.codewhisperer.delays import MAX_RETRY_AFTER
from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendUnavailable,
    ContextLengthExceeded,
    CredentialRejected,
    InvalidRequest,
    ModelNotFound,
    ModelUnavailable,
    QuotaExhausted,
    Throttled,
)
from cwproxy.eventstream import Frame

CORAL = ":http://internal.amazon.com/coral/com.amazon.aws.codewhisperer/"


def answer(
    status: int,
    kind: str | None = None,
    message: str | None = None,
    reason: str | None = None,
    headers: dict[str, str] | None = None,
) -> failures.Failure:
    members = {"message": message, "reason": reason}
    given = {"x-amzn-errortype": kind + CORAL} if kind else {}
    body = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
    return failures.from_response(status, {**given, **(headers or {})}, body)


def frame(payload: object, **headers: str) -> Frame:
    named = {f":{name.replace('_', '-')}": value for name, value in headers.items()}
    return Frame({":message-type": "exception", **named}, json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("status", "kind", "reason", "message", "error"),
    [
        (400, "ValidationException", None, "Input is too long.", ContextLengthExceeded),
        (500, None, None, "Input is too long.", ContextLengthExceeded),
        (400, "ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "", ContextLengthExceeded),
        (400, "ValidationException", "PROMPT_TOO_LONG", "Prompt is too long.", ContextLengthExceeded),
        (400, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "Maximum reached for this month.", QuotaExhausted),
        (402, "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT", "You have reached the limit.", QuotaExhausted),
        (429, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "", QuotaExhausted),
        (429, None, "DAILY_REQUEST_COUNT", "5-minute credit limit exceeded", QuotaExhausted),
        (402, None, "OVERAGE_REQUEST_LIMIT_EXCEEDED", "You have reached the limit for overages.", QuotaExhausted),
        (429, None, "USAGE_LIMIT_REACHED", "", QuotaExhausted),
        (429, "ThrottlingException", None, "Maximum Request reached for this month.", QuotaExhausted),
        (429, None, None, "5-minute credit limit exceeded", QuotaExhausted),
        (402, "ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED", "", InvalidRequest),
        (429, "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", "high traffic", ModelUnavailable),
        (400, "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", "", ModelUnavailable),
        (500, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE", "", ModelUnavailable),
        (500, None, None, "Encountered unexpectedly high load when processing the request.", ModelUnavailable),
        (429, "ThrottlingException", None, "I am experiencing high traffic, please try again.", ModelUnavailable),
        (429, "ThrottlingException", "CREDIT_CONSUMPTION_RATE_EXCEEDED", "Too many requests", Throttled),
        (429, None, "USER_REQUEST_RATE_EXCEEDED", "", Throttled),
        (429, "ThrottlingException", None, "Too many requests, please wait before trying again.", Throttled),
        (400, "ThrottlingException", None, "Rate exceeded", Throttled),
        (429, None, None, None, Throttled),
        (429, "ThrottlingException", "A_NEW_REASON", "", Throttled),
        (
            403,
            "AccessDeniedException",
            None,
            "The bearer token included in the request is invalid.",
            CredentialRejected,
        ),
        (400, "ValidationException", None, "Missing bearer token in the authorization header.", CredentialRejected),
        (403, "ExpiredTokenException", None, "expired", CredentialRejected),
        (403, "UnrecognizedClientException", None, "", CredentialRejected),
        (403, None, None, "The security token included in the request is expired", CredentialRejected),
        (401, None, None, None, CredentialRejected),
        (403, "AccessDeniedException", "TEMPORARILY_SUSPENDED", "Your User ID (1) is locked", AccountUnusable),
        (403, "AccessDeniedException", None, "Your User ID (1) temporarily is suspended.", AccountUnusable),
        (403, "AccessDeniedException", "FEATURE_NOT_SUPPORTED", "", AccountUnusable),
        (403, None, "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS", "", AccountUnusable),
        (409, "ConflictException", "CUSTOMER_KMS_KEY_DISABLED", "", AccountUnusable),
        (409, "ConflictException", None, "", AccountUnusable),
        (400, "ValidationException", None, "profileArn is required for this request.", AccountUnusable),
        (403, "AccessDeniedException", None, "User is not authorized to make this call.", AccountUnusable),
        (403, None, None, "AWS Builder ID is not supported for this operation.", AccountUnusable),
        (403, None, None, None, AccountUnusable),
        (404, "ResourceNotFoundException", None, "", AccountUnusable),
        (400, "ValidationException", "INVALID_MODEL_ID", "Invalid model.", ModelNotFound),
        (400, "ValidationException", None, "Invalid model ID. Please select a different model.", ModelNotFound),
        (400, "ValidationException", None, "Improperly formed request.", InvalidRequest),
        (400, "ValidationException", "TOOL_SCHEMA_INVALID", "Bedrock says no", InvalidRequest),
        (400, None, None, None, InvalidRequest),
        (413, None, None, None, InvalidRequest),
        (413, "ServiceUnavailableException", None, "Request entity too large", InvalidRequest),
        (422, None, None, None, InvalidRequest),
        (500, "InternalServerException", None, "", BackendUnavailable),
        (503, "ServiceUnavailableException", None, "", BackendUnavailable),
        (500, None, None, None, BackendUnavailable),
        (599, None, None, None, BackendUnavailable),
        (200, None, None, None, BackendUnavailable),
        (302, None, None, None, BackendUnavailable),
        (402, None, None, None, QuotaExhausted),
        (402, "ServiceQuotaExceededException", None, "", QuotaExhausted),
    ],
)
def test_the_reason_counts_before_the_status(
    status: int, kind: str | None, reason: str | None, message: str | None, error: type[Exception]
) -> None:
    failure = answer(status, kind, message, reason)
    assert type(failure) is error
    if isinstance(failure, BackendError):
        assert failure.status == status
        assert failure.reason == reason
    if message:
        assert message in failure.message
    if reason:
        assert reason in failure.message
    assert failure.message


@pytest.mark.parametrize(
    ("status", "retry_safe"),
    [(500, True), (502, True), (503, True), (504, True), (408, True), (425, True), (501, False), (599, False)],
)
def test_a_server_fault_says_whether_trying_again_makes_sense(status: int, retry_safe: bool) -> None:
    failure = answer(status)
    assert isinstance(failure, BackendUnavailable)
    assert failure.retry_safe is retry_safe


@pytest.mark.parametrize("kind", [None, "UnknownOperationException"])
@pytest.mark.parametrize("status", [404, 405])
def test_a_retired_api_names_the_surface_to_try(status: int, kind: str | None) -> None:
    failure = answer(status, kind)
    assert isinstance(failure, BackendUnavailable)
    assert "`kiro`" in failure.message
    assert failure.reason == failures.API_CHANGED
    assert not failure.retry_safe


def test_a_profile_failure_says_what_to_change() -> None:
    assert "cwproxy login" in answer(400, None, "profileArn is required for this request.").message


def test_a_soft_ban_is_a_long_pause() -> None:
    failure = answer(429, "ThrottlingException", "Due to suspicious activity, we are imposing temporary limits")
    assert isinstance(failure, Throttled)
    assert failure.retry_after == MAX_RETRY_AFTER


def test_a_validation_failure_keeps_its_reason_as_code() -> None:
    failure = answer(400, "ValidationException", "x", "TOOL_USE_RESULT_MISMATCH")
    assert isinstance(failure, InvalidRequest)
    assert failure.code == "tool_use_result_mismatch"
    plain = answer(400, "ValidationException", "Improperly formed request.")
    assert isinstance(plain, InvalidRequest)
    assert plain.code is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"__type":"com.amazon.kiro.runtimeservice#ThrottlingException","message":"m"}'),
        ({}, b'{"code":"ThrottlingException","Message":"m"}'),
        ({"X-Amzn-ErrorType": "ThrottlingException" + CORAL}, b'{"errorMessage":"m"}'),
        ({"x-amzn-errortype": "com.amazon.aws.codewhisperer#ThrottlingException"}, b'{"message":"m"}'),
    ],
)
def test_the_kind_is_found_wherever_it_stands(headers: dict[str, str], body: bytes) -> None:
    failure = failures.from_response(400, headers, body)
    assert isinstance(failure, Throttled)
    assert failure.message == "m"


def test_the_wait_that_is_asked_for() -> None:
    failure = answer(429, headers={"Retry-After": "5"})
    assert isinstance(failure, Throttled)
    assert failure.retry_after == 5.0
    inside = failures.from_frame(frame({"retryAfterMilliseconds": 1500}, exception_type="throttlingError"))
    assert isinstance(inside, Throttled)
    assert inside.retry_after == 1.5


def test_the_request_id_is_kept_for_support() -> None:
    failure = answer(500, headers={"x-amzn-RequestId": "r-1"})
    assert isinstance(failure, BackendError)
    assert failure.request_id == "r-1"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><script>alert(1)</script></html>", b'{"message":"cut', b"[]", b"null", b"\xff\xfe", b'{"message":5}'],
)
def test_a_body_that_is_no_object_leaves_the_status(body: bytes) -> None:
    failure = failures.from_response(503, {}, body)
    assert isinstance(failure, BackendUnavailable)
    assert failure.message == "The backend answered with HTTP 503."


@pytest.mark.parametrize(("status", "kind"), [(400, "ThrottlingException"), (402, ""), (429, ""), (429, "Odd")])
def test_the_monthly_limit_is_seen_anywhere_in_a_body_that_speaks_of_limits(status: int, kind: str) -> None:
    body = b'{"message":"x","details":{"why":"MONTHLY_REQUEST_COUNT"}}'
    failure = failures.from_response(status, {"x-amzn-errortype": kind}, body)
    assert isinstance(failure, QuotaExhausted)
    assert failure.reason == "MONTHLY_REQUEST_COUNT"


@pytest.mark.parametrize("kind", ["ValidationException", "AccessDeniedException", "InternalServerException"])
def test_the_monthly_limit_in_other_refusals_is_a_word(kind: str) -> None:
    payload = {"message": "The tool MONTHLY_REQUEST_COUNT is bad."}
    assert not isinstance(answer(400, kind, payload["message"]), QuotaExhausted)
    assert not isinstance(failures.from_frame(frame(payload, exception_type=kind)), QuotaExhausted)


@pytest.mark.parametrize("kind", ["InternalServerException", "ServiceUnavailableException", None])
@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_fault_of_the_request_is_one_whatever_the_status(kind: str | None, status: int) -> None:
    failure = answer(status, kind, "Improperly formed request.", "TOOL_USE_RESULT_MISMATCH")
    assert isinstance(failure, InvalidRequest)
    assert failure.code == "tool_use_result_mismatch"
    inside = failures.from_frame(frame({"reason": "REQUEST_BODY_INVALID"}, exception_type=kind or "error"))
    assert isinstance(inside, InvalidRequest)


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abcdefghijklmnop",
        "authorization: bearer: abcdefghijklmnop",
        "aoaAAAAAGabcdefghij:MGUCMQ",
        "aorAAAAAGabcdefghij",
        "ksk_live_abcdefghijkl",
        "eyJhbGciOiJIUzI1NiJ9.abcdefgh.xyz",
        "IQoJb3JpZ2luX2VjEabcdefgh/+==",
        "X-Amz-Security-Token:abcdefgh==",
    ],
)
def test_an_echoed_token_never_reaches_the_message(secret: str) -> None:
    for text in (answer(400, None, f"The value {secret} is bad").message, answer(429, None, "m", secret).message):
        assert "abcdefgh" not in text
        assert "redacted" in text


def test_a_refused_signature_shows_nothing_of_the_credentials() -> None:
    # What AWS answers quotes the whole canonical request.
    said = (
        "The request signature we calculated does not match the signature you provided. The Canonical String was "
        "'POST\\n/\\n\\nhost:q.us-east-1.amazonaws.com\\nx-amz-date:20261121T000000Z\n"
        "x-amz-security-token:FwoGZXIvYXdzEJr//////////wEaDHNlY3JldA==\\n' for ASIAIOSFODNN7EXAMPLE."
    )
    failure = answer(403, "InvalidSignatureException", said)
    assert isinstance(failure, CredentialRejected)
    assert "FwoG" not in failure.message
    assert "ASIA" not in failure.message
    assert answer(400, None, "Not offered in ASIA-PACIFIC-NORTHEAST").message.count("redacted") == 0


def test_a_message_is_one_short_line() -> None:
    text = answer(400, None, "a\n\x00\x1b[31mb\u2028c" + "x" * 10_000).message
    assert text.startswith("a [31mb c")
    assert len(text) == failures.MAX_MESSAGE_LENGTH
    assert text.isprintable()


@pytest.mark.parametrize(
    ("headers", "payload", "error"),
    [
        ({"exception_type": "error"}, {"message": "m"}, BackendUnavailable),
        ({"exception_type": "error"}, {"message": "m", "reason": "MODEL_TEMPORARILY_UNAVAILABLE"}, ModelUnavailable),
        ({"exception_type": "throttlingError"}, {"message": "m"}, Throttled),
        ({"exception_type": "validationError"}, {"message": "m"}, InvalidRequest),
        ({"exception_type": "serviceUnavailableError"}, {"message": "m"}, BackendUnavailable),
        ({"exception_type": "InternalServerException"}, {"message": "m"}, BackendUnavailable),
        ({"exception_type": "SomethingNewException"}, {"message": "m"}, BackendUnavailable),
        ({"message_type": "error", "error_code": "ThrottlingException"}, {"message": "m"}, Throttled),
        ({"message_type": "error", "error_code": "Odd", "error_message": "m"}, {}, BackendUnavailable),
    ],
)
def test_a_frame_fails_like_an_answer(headers: dict[str, str], payload: object, error: type[Exception]) -> None:
    failure = failures.from_frame(frame(payload, **headers))
    assert type(failure) is error
    assert failure.message.startswith("m")


def test_a_frame_may_ask_for_a_wait_and_may_say_nothing() -> None:
    payload = {"message": "m", "reason": "CREDIT_CONSUMPTION_RATE_EXCEEDED", "retryAfterMilliseconds": 300_000}
    failure = failures.from_frame(frame(payload, exception_type="throttlingError"))
    assert isinstance(failure, Throttled)
    assert (failure.retry_after, failure.status) == (300.0, None)
    silent = failures.from_frame(Frame({":message-type": "error"}, b""))
    assert "without a name" in silent.message
    assert "OddException" in failures.from_frame(Frame({":exception-type": "OddError"}, b"")).message


@pytest.mark.parametrize(
    ("sent", "message", "hinted"),
    [
        (failures.BIG_BODY + 1, "Improperly formed request.", True),
        (failures.BIG_BODY, "Improperly formed request.", False),
        (failures.BIG_BODY + 1, "Invalid tool use format.", False),
    ],
)
def test_the_size_of_a_big_body_is_a_hint_and_no_claim(sent: int, message: str, hinted: bool) -> None:
    body = json.dumps({"message": message, "reason": "REQUEST_BODY_INVALID"}).encode()
    error = failures.from_response(400, {"x-amzn-errortype": "ValidationException"}, body, sent=sent)
    assert isinstance(error, InvalidRequest) and not isinstance(error, ContextLengthExceeded)
    assert error.code == "request_body_invalid"
    assert error.message.startswith(f"{message} (REQUEST_BODY_INVALID)")
    assert ("600,001 bytes" in error.message) is hinted


def test_what_was_answered_is_kept_aside() -> None:
    evidence = answer(400, "ValidationException", "No.").evidence
    assert evidence is not None and evidence.status == 400 and b"No." in evidence.received
    inside = failures.from_frame(frame({"message": "No."}, exception_type="throttlingError")).evidence
    assert inside is not None and inside.status == 200 and inside.headers[":exception-type"] == "throttlingError"
