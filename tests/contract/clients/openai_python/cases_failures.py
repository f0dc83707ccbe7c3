"""Requests that fail before an answer: each status is the SDK's class for it, with type, message and request id."""

from dataclasses import dataclass, replace
from typing import Final

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from tests.contract.clients.openai_python.clients import MODEL, ask


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client sees of a failure. again: whether the SDK is told to try once more. sometimes: another code."""

    error_class: type[openai.APIStatusError]
    status: int
    type: str
    code: str | None
    again: bool = False
    sometimes: str | None = None


LOGIN_FAILED: Final = Expected(openai.InternalServerError, 502, "upstream_error", "upstream_credentials_exhausted")
"""Never the backend's own 401 or 403: the client's key is fine (reliability.md 1.8)."""

REFUSED: Final = replace(LOGIN_FAILED, sometimes="upstream_error")
"""The second code within a minute after a renewal, when a refusal is not yet the login's end: other cases, and other
runs against the same proxy, may have had it renewed.
"""

BACKEND: Final[dict[int, Expected]] = {
    400: Expected(openai.BadRequestError, 400, "invalid_request_error", None),
    401: REFUSED,
    402: Expected(openai.RateLimitError, 429, "insufficient_quota", "insufficient_quota"),
    403: LOGIN_FAILED,
    404: LOGIN_FAILED,
    413: Expected(openai.APIStatusError, 413, "request_too_large", "request_too_large"),
    429: Expected(openai.RateLimitError, 429, "rate_limit_error", "rate_limit_exceeded", again=True),
    500: Expected(openai.InternalServerError, 503, "server_error", "model_overloaded", again=True),
    503: Expected(openai.InternalServerError, 502, "upstream_error", "upstream_error"),
}


def message_of(error: openai.APIStatusError) -> str:
    """What the server said. (2.x puts the whole body into the exception's own text.)"""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    message = error.body["message"]
    assert isinstance(message, str)
    return message


def check(error: openai.APIStatusError, expected: Expected) -> None:
    assert type(error) is expected.error_class
    assert (error.status_code, error.type) == (expected.status, expected.type)
    assert error.code == expected.code or (expected.sometimes is not None and error.code == expected.sometimes)
    assert error.request_id
    assert message_of(error)


@pytest.mark.parametrize("status", BACKEND)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_status_of_the_backend(client: openai.OpenAI, status: int, stream: bool) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=ask(f"STUBERR {status}"), stream=stream)
    expected = BACKEND[status]
    check(caught.value, expected)
    headers = caught.value.response.headers
    assert headers["x-should-retry"] == ("true" if expected.again else "false")
    assert not expected.again or 1 <= float(headers["retry-after"]) <= 60


def test_wrong_key_is_unauthorized(client: openai.OpenAI) -> None:
    stranger = client.with_options(api_key="wrong")
    with pytest.raises(openai.AuthenticationError) as listed:
        stranger.models.list()
    with pytest.raises(openai.AuthenticationError) as asked:
        stranger.chat.completions.create(model=MODEL, messages=ask("hello"))
    for caught in (listed, asked):
        check(caught.value, Expected(openai.AuthenticationError, 401, "invalid_request_error", "invalid_api_key"))


def test_web_page_from_elsewhere_is_forbidden(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(
            model=MODEL, messages=ask("hello"), extra_headers={"Origin": "https://elsewhere.example"}
        )
    check(caught.value, Expected(openai.PermissionDeniedError, 403, "permission_error", "origin_not_allowed"))


def test_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as retrieved:
        client.models.retrieve("no/such.model")
    with pytest.raises(openai.NotFoundError) as asked:
        client.chat.completions.create(model="no/such.model", messages=ask("hello"))
    for caught in (retrieved, asked):
        check(caught.value, Expected(openai.NotFoundError, 404, "invalid_request_error", "model_not_found"))
        assert caught.value.param == "model"
        assert "no/such.model" in message_of(caught.value)


def test_empty_messages_are_a_bad_request(client: openai.OpenAI) -> None:
    nothing: list[ChatCompletionMessageParam] = []
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=nothing)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == "messages"


def test_body_that_is_not_declared_as_json_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model=MODEL, messages=ask("hello"), extra_headers={"Content-Type": "application/xml"}
        )
    check(caught.value, Expected(openai.APIStatusError, 415, "invalid_request_error", "unsupported_media_type"))


def test_body_that_is_too_large_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=ask("a" * (21 << 20)))
    check(caught.value, Expected(openai.APIStatusError, 413, "request_too_large", "request_too_large"))
