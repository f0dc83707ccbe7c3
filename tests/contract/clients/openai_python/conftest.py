"""The clients under test: they validate every answer against the SDK's types and repeat nothing."""

from collections.abc import Iterator

import openai
import pytest
from tests.contract.clients.openai_python.clients import BASE_URL, KEY
from tests.contract.clients.openai_python.simulator import Simulator


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=30, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator
