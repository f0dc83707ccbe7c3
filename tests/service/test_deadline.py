"""No answer outlasts its request."""

import asyncio

import pytest
from tests.support.scripted_backend import WHOLE, Backend, reply, running

from cwproxy.errors import (
    BackendTimeout,
)
from cwproxy.service import Options

pytestmark = pytest.mark.anyio


async def test_the_deadline_of_a_request() -> None:
    backend = Backend(WHOLE * 50)
    async with running(backend, Options(request_seconds=-1.0)) as service:
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)


async def test_silence_does_not_outlast_the_deadline() -> None:
    backend = Backend(WHOLE)
    backend.gate.clear()
    async with running(backend, Options(request_seconds=0.05)) as service, asyncio.timeout(2.0):
        with pytest.raises(BackendTimeout, match="longer than a whole request"):
            await reply(service)
    assert backend.open == 0
