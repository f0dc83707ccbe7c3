"""The client under test: it validates every answer against the SDK's types and repeats nothing."""

import os
from collections.abc import Iterator

import anthropic
import httpx
import pytest


@pytest.fixture(autouse=True)
def recovered() -> Iterator[None]:
    """What a case has made the proxy think of its one account does not outlast the case."""
    yield
    headers = {"authorization": f"Bearer {os.environ['PROXY_ADMIN_KEY']}"}
    with httpx.Client(base_url=os.environ["PROXY_ADMIN_URL"], headers=headers, trust_env=False, timeout=60) as admin:
        for account in admin.get("/accounts").raise_for_status().json()["accounts"]:
            admin.post(f"/accounts/{account['id']}/recover").raise_for_status()


@pytest.fixture(params=["x-api-key", "bearer"])
def client(request: pytest.FixtureRequest) -> Iterator[anthropic.Anthropic]:
    key = os.environ["PROXY_KEY"]
    with anthropic.Anthropic(
        base_url=os.environ["PROXY_BASE_URL"].removesuffix("/v1"),
        api_key=key if request.param == "x-api-key" else None,
        auth_token=key if request.param == "bearer" else None,
        max_retries=0,
        timeout=60,
        _strict_response_validation=True,
    ) as client:
        yield client
