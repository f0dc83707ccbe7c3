"""Every error of ours in Anthropic's envelope, as its own SDK reads it (compatibility.md 2.2)."""

import json

import pytest
from anthropic.types import ErrorResponse
from tests.support.errors import OWN

from cwproxy import errors
from cwproxy.codewhisperer import failures
from cwproxy.dialects.anthropic_messages import ENVELOPE
from cwproxy.inbound.failures import Failure, failure_of


def kind_of(failure: Failure) -> str:
    kind: str = json.loads(ENVELOPE.body(failure, "req_1"))["error"]["type"]
    return kind


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: str(kind.__name__))
def test_every_class_is_an_envelope_with_a_real_status(kind: type[errors.CwproxyError]) -> None:
    failure = failure_of(kind("What happened."))
    assert 400 <= ENVELOPE.status(failure) < 600
    told = ErrorResponse.model_validate_json(ENVELOPE.body(failure, "req_1"), strict=True)
    assert told.request_id == "req_1"
    assert told.error.message.endswith(failure.message)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.InvalidRequest("x"), 400, "invalid_request_error"),
        (failures.from_response(413, {}, b""), 413, "request_too_large"),
        (errors.ModelNotFound("x"), 404, "not_found_error"),
        (errors.Throttled("x"), 429, "rate_limit_error"),
        (errors.QuotaExhausted("x"), 402, "billing_error"),
        (errors.ModelUnavailable("x"), 529, "overloaded_error"),
        (errors.LoginRequired("x"), 502, "api_error"),
        (errors.BackendTimeout("x"), 504, "timeout_error"),
        (errors.StreamTruncated("x"), 502, "api_error"),
        (errors.StoreError("x"), 503, "api_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_table(error: errors.CwproxyError, status: int, kind: str) -> None:
    failure = failure_of(error)
    assert (ENVELOPE.status(failure), kind_of(failure)) == (status, kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
    ],
)
def test_what_the_edge_refuses(status: int, kind: str) -> None:
    assert kind_of(Failure(status, "No.", "invalid_request_error", "why")) == kind


def test_a_conversation_that_is_too_long_is_told_in_the_words_that_make_claude_code_compact_it() -> None:
    failure = failure_of(errors.ContextLengthExceeded("Input is too long."))
    assert json.loads(ENVELOPE.body(failure, "r"))["error"]["message"] == "prompt is too long: Input is too long."


def test_the_form_inside_a_stream_is_the_same_object() -> None:
    failure = failure_of(errors.Throttled("Wait."))
    body = ENVELOPE.body(failure, "req_1")
    assert ENVELOPE.event(failure, "req_1") == b"event: error\ndata: " + body + b"\n\n"
