"""A running simulator, and the ways of speaking to it that several test modules share."""

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

from cwproxy.simulator.clock import Clock


@pytest.fixture
def aws() -> Iterator[Simulator]:
    """Its clock stands still until it is moved: who polls twice at once is too fast on any machine."""
    now = time.time()
    with Simulator(clock=Clock(lambda: now)) as simulator:
        yield simulator


@pytest.fixture
def http(aws: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=aws.url, trust_env=False, timeout=SECONDS) as client:
        yield client
