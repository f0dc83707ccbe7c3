import time

import pytest
from tests.support.fake_clock import FakeClock

from cwproxy.auth.clock import Clock

pytestmark = pytest.mark.anyio


async def test_is_the_real_time_by_default() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time()) < 60
    assert abs(clock.monotonic() - time.monotonic()) < 60
    await clock.sleep(0)


async def test_a_limit_is_passed_when_one_of_the_clocks_says_so() -> None:
    for wall, running, left in [(0.0, 0.0, 10.0), (3.0, 3.0, 7.0), (30.0, 0.0, -20.0), (0.0, 30.0, -20.0)]:
        time = FakeClock()
        limit = time.clock.limit(10.0)
        time.wall, time.running = time.wall + wall, time.running + running
        assert limit.left() == left
