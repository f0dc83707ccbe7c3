"""The clients under test: they validate every answer against the SDK's types and repeat nothing."""

import os
from collections.abc import Iterator

import httpx
import openai
import pytest
from tests.contract.clients.openai_python.clients import BASE_URL, KEY
from tests.contract.clients.openai_python.simulator import Simulator


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture(autouse=True)
def recovered() -> Iterator[None]:
    """What a case has made the proxy think of its one account does not outlast the case."""
    yield
    headers = {"authorization": f"Bearer {os.environ['PROXY_ADMIN_KEY']}"}
    with httpx.Client(base_url=os.environ["PROXY_ADMIN_URL"], headers=headers, trust_env=False, timeout=60) as admin:
        for account in admin.get("/accounts").raise_for_status().json()["accounts"]:
            admin.post(f"/accounts/{account['id']}/recover").raise_for_status()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator
