"""Which words a client is told of failures in, also on paths that there are not."""

import json
from collections.abc import Mapping

import pytest
from tests.support.api_client import in_process, scope
from tests.support.fake_service import FakeService

from cwproxy.api import AccessPolicy, create_app
from cwproxy.api.envelopes import ANTHROPIC, OPENAI, envelope_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/v1/messages", "/messages/", "/v1/v1/messages", "/v1/messages/count_tokens"])
def test_the_paths_of_the_messages_api(path: str) -> None:
    assert envelope_of(scope(path)) is ANTHROPIC


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/", "/v1/messages/batches"])
def test_other_paths(path: str) -> None:
    assert envelope_of(scope(path)) is OPENAI
    assert envelope_of(scope(path, anthropic_version="2026-10-21")) is ANTHROPIC


@pytest.mark.parametrize(
    ("headers", "members"),
    [({}, {"error"}), ({"anthropic-version": "2023-06-01"}, {"type", "error", "request_id"})],
)
async def test_what_is_not_there_is_missing_in_the_clients_words(headers: Mapping[str, str], members: set[str]) -> None:
    async with in_process(create_app(FakeService(), AccessPolicy())) as client:
        for path, status in (("/v1/models/none", 404), ("/v1/nothing", 404)):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, set(json.loads(answer.content))) == (status, members)
            assert answer.headers["x-request-id"]
            assert ("request-id" in answer.headers) is bool(headers)
