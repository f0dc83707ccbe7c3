"""Every error of ours has a status, a code and advice for the SDKs (reliability.md 1.8, compatibility.md 1.5, 1.6)."""

import pytest
from tests.support.errors import OWN

from cwproxy import errors
from cwproxy.inbound.failures import failure_of


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: str(kind.__name__))
def test_every_class_has_a_real_status_and_advice(kind: type[errors.CwproxyError]) -> None:
    failure = failure_of(kind("What happened."))
    assert 400 <= failure.status < 600
    assert (failure.message == "What happened.") is not issubclass(kind, errors.StoreError)
    assert dict(failure.headers)["x-should-retry"] in ("true", "false")


@pytest.mark.parametrize(
    ("error", "status", "code", "param", "headers"),
    [
        (errors.InvalidRequest("x", param="a[0].b", code="c"), 400, "c", "a[0].b", {"x-should-retry": "false"}),
        (
            errors.InvalidRequest("x", code="request_too_large"),
            413,
            "request_too_large",
            None,
            {"x-should-retry": "false"},
        ),
        (errors.ContextLengthExceeded("x"), 400, "context_length_exceeded", "messages", {"x-should-retry": "false"}),
        (errors.ModelNotFound("x"), 404, "model_not_found", "model", {"x-should-retry": "false"}),
        (
            errors.Overloaded("x", retry_after=3.4),
            503,
            "overloaded",
            None,
            {"x-should-retry": "true", "retry-after": "4"},
        ),
        (errors.Throttled("x"), 429, "rate_limit_exceeded", None, {"x-should-retry": "true", "retry-after": "1"}),
        (
            errors.Throttled("x", retry_after=7.2),
            429,
            "rate_limit_exceeded",
            None,
            {"x-should-retry": "true", "retry-after": "8"},
        ),
        (
            errors.Throttled("x", retry_after=900),
            429,
            "rate_limit_exceeded",
            None,
            {"x-should-retry": "true", "retry-after": "60"},
        ),
        (
            errors.ModelUnavailable("x"),
            503,
            "model_overloaded",
            None,
            {"x-should-retry": "true", "retry-after": "1"},
        ),
        (errors.QuotaExhausted("x"), 429, "insufficient_quota", None, {"x-should-retry": "false"}),
        (
            errors.QuotaExhausted("x", retry_after=86_400),
            429,
            "insufficient_quota",
            None,
            {"x-should-retry": "false", "retry-after": "86400"},
        ),
        (errors.CredentialRejected("x"), 502, "upstream_credentials_exhausted", None, {"x-should-retry": "false"}),
        (errors.AccountUnusable("x"), 502, "upstream_credentials_exhausted", None, {"x-should-retry": "false"}),
        (errors.LoginRequired("x"), 502, "upstream_credentials_exhausted", None, {"x-should-retry": "false"}),
        (errors.BackendUnavailable("x", retry_after=5), 502, "upstream_error", None, {"x-should-retry": "false"}),
        (
            errors.BackendUnavailable("x", reason="upstream_tls_error"),
            502,
            "upstream_tls_error",
            None,
            {"x-should-retry": "false"},
        ),
        (
            errors.BackendUnavailable("x", reason="connect_failed"),
            502,
            "upstream_error",
            None,
            {"x-should-retry": "false"},
        ),
        (
            errors.BackendUnavailable("x", reason="out_of_descriptors"),
            503,
            "overloaded",
            None,
            {"x-should-retry": "true", "retry-after": "1"},
        ),
        (
            errors.BackendUnavailable("x", reason="login_not_renewed"),
            503,
            "login_not_renewed",
            None,
            {"x-should-retry": "true", "retry-after": "5"},
        ),
        (
            errors.BackendUnavailable("x", reason="login_not_renewed", retry_after=39.2),
            503,
            "login_not_renewed",
            None,
            {"x-should-retry": "true", "retry-after": "40"},
        ),
        (errors.BackendTimeout("x"), 504, "upstream_timeout", None, {"x-should-retry": "false"}),
        (errors.ToolUseTruncated("x"), 502, "upstream_incomplete_tool_call", None, {"x-should-retry": "false"}),
        (errors.StreamTruncated("x"), 502, "upstream_truncated", None, {"x-should-retry": "false"}),
        (errors.FrameError("x"), 502, "upstream_malformed", None, {"x-should-retry": "false"}),
        (errors.EmptyReply("x"), 502, "empty_response", None, {"x-should-retry": "false"}),
        (
            errors.StoreError("x"),
            503,
            "store_unavailable",
            None,
            {"x-should-retry": "true", "retry-after": "5"},
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_table(
    error: errors.CwproxyError, status: int, code: str, param: str | None, headers: dict[str, str]
) -> None:
    failure = failure_of(error)
    assert (failure.status, failure.code, failure.param, dict(failure.headers)) == (status, code, param, headers)


def test_the_backends_sentence_and_reason_are_kept() -> None:
    error = errors.QuotaExhausted("You have reached the limit.", reason="MONTHLY_REQUEST_COUNT")
    assert failure_of(error).message == "You have reached the limit. (MONTHLY_REQUEST_COUNT)"
    named = errors.Throttled("DAILY: wait.", reason="DAILY")
    assert failure_of(named).message == "DAILY: wait."


def test_a_reason_that_is_not_known_is_the_code() -> None:
    assert failure_of(errors.BackendUnavailable("x", reason="A_NEW_REASON", status=500)).code == "a_new_reason"
    assert failure_of(errors.BackendUnavailable("x", reason="connect_failed")).code == "upstream_error"
    assert failure_of(errors.Throttled("x", reason="A_NEW_REASON")).code == "rate_limit_exceeded"


def test_what_is_wrong_with_the_store_is_for_the_log() -> None:
    failure = failure_of(errors.StoreError("The store cwproxy at db.internal cannot be used: it is a secret place."))
    assert "internal" not in failure.message
    assert "log" in failure.message
