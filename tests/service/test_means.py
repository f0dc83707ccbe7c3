"""What requests share is shared with nobody else, and does not grow for ever."""

import pytest
from tests.support.fleet import fleet
from tests.support.scripted_backend import Backend

from cwproxy.auth.clock import Clock
from cwproxy.service.catalogs import Catalogs
from cwproxy.service.means import MAX_STRANGE, Means
from cwproxy.service.options import Options
from cwproxy.upstream import Upstream

pytestmark = pytest.mark.anyio


async def test_strange_conversations_are_forgotten_in_time() -> None:
    upstream, clock = Upstream(transport=Backend()), Clock()
    async with fleet() as accounts:
        means, other = (
            Means(accounts, upstream, Catalogs(accounts, upstream, {}, clock=clock), Options(), clock) for _ in range(2)
        )
        for number in range(MAX_STRANGE + 1):
            means.remember_strange(str(number))
    await upstream.aclose()
    assert means.strange == {str(MAX_STRANGE)}
    assert not other.strange
