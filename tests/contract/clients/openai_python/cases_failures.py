"""Requests that fail before an answer: each status is the SDK's class for it, with type, message and request id."""

from typing import Final

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from tests.contract.clients.openai_python.clients import MODEL, ask

STATUSES: Final[list[tuple[int, type[openai.APIStatusError], str]]] = [
    (400, openai.BadRequestError, "invalid_request_error"),
    (401, openai.AuthenticationError, "invalid_request_error"),
    (403, openai.PermissionDeniedError, "permission_error"),
    (404, openai.NotFoundError, "invalid_request_error"),
    (413, openai.APIStatusError, "invalid_request_error"),
    (429, openai.RateLimitError, "rate_limit_error"),
    (500, openai.InternalServerError, "server_error"),
    (503, openai.InternalServerError, "server_error"),
]


def message_of(error: openai.APIStatusError) -> str:
    """What the server said. (2.x puts the whole body into the exception's own text.)"""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    message = error.body["message"]
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize(("status", "error_class", "kind"), STATUSES, ids=[str(row[0]) for row in STATUSES])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_backend_status_has_its_class(
    client: openai.OpenAI, status: int, error_class: type[openai.APIStatusError], kind: str, stream: bool
) -> None:
    with pytest.raises(error_class) as caught:
        client.chat.completions.create(model=MODEL, messages=ask(f"STUBERR {status}"), stream=stream)
    error = caught.value
    assert error.type == kind
    assert error.request_id
    assert message_of(error)


def test_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as retrieved:
        client.models.retrieve("no/such.model")
    with pytest.raises(openai.NotFoundError) as asked:
        client.chat.completions.create(model="no/such.model", messages=ask("hello"))
    for caught in (retrieved, asked):
        assert caught.value.type == "invalid_request_error"
        assert caught.value.code == "model_not_found"
        assert caught.value.param == "model"
        assert caught.value.request_id
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
    assert caught.value.status_code == 415
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id
