from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.waiting import SECONDS
from tests.support.web_server import WebServer, web_server

from cwproxy.auth.web import Web


@pytest.fixture
def service() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web(timeout=SECONDS)
    yield web
    await web.aclose()
