import time

import pytest

from cwproxy.auth.clock import Clock

pytestmark = pytest.mark.anyio


async def test_is_the_real_time_by_default() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time()) < 5
    assert abs(clock.monotonic() - time.monotonic()) < 5
    await clock.sleep(0)
