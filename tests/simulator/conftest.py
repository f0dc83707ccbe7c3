"""A running simulator, and the ways of speaking to it that several test modules share."""

from collections.abc import Iterator

import httpx
import pytest
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def http(aws: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=aws.url, trust_env=False, timeout=SECONDS) as client:
        yield client
