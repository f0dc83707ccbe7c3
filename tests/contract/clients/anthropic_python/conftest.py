"""The client under test: it validates every answer against the SDK's types and repeats nothing."""

import os
from collections.abc import Iterator

import anthropic
import pytest


@pytest.fixture(params=["x-api-key", "bearer"])
def client(request: pytest.FixtureRequest) -> Iterator[anthropic.Anthropic]:
    key = os.environ["PROXY_KEY"]
    with anthropic.Anthropic(
        base_url=os.environ["PROXY_BASE_URL"].removesuffix("/v1"),
        api_key=key if request.param == "x-api-key" else None,
        auth_token=key if request.param == "bearer" else None,
        max_retries=0,
        timeout=30,
        _strict_response_validation=True,
    ) as client:
        yield client
