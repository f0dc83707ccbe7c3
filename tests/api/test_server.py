"""Serving: the real port, errors of binding, and an end that no answer meets without a word (reliability.md A.3)."""

import asyncio
import gc
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from tests.support.api_client import chat
from tests.support.fake_service import FakeService, Step, text_reply
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, create_app, loop_factory, serve
from cwproxy.api.server import protocol_class
from cwproxy.errors import SettingsError
from cwproxy.reply import TextDelta, TextStarted

pytestmark = pytest.mark.anyio

BEGUN: Step = [TextStarted(0), TextDelta(0, "x")]


@pytest.fixture(autouse=True)
def _collector_as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture
def _signals_do_not_end_the_tests() -> Iterator[None]:
    """uvicorn raises the signal again when it has stopped."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


@asynccontextmanager
async def serving(service: FakeService, *, drain: float) -> AsyncIterator[tuple[str, "asyncio.Task[None]"]]:
    """Base URL and the task of `serve`, which the block must end by a signal."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app = create_app(service, AccessPolicy())
    task = asyncio.create_task(serve(app, host="127.0.0.1", port=0, drain=drain, on_ready=ready.set_result))
    port = await asyncio.wait_for(ready, SECONDS)
    try:
        yield f"http://127.0.0.1:{port}", task
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, SECONDS)


@pytest.mark.usefixtures("_signals_do_not_end_the_tests")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_open_answers_finish(number: signal.Signals) -> None:
    gate = asyncio.Event()
    service = FakeService([BEGUN, gate, *text_reply("whole")])
    async with (
        serving(service, drain=SECONDS) as (url, task),
        httpx.AsyncClient(base_url=url, timeout=SECONDS) as client,
    ):
        assert gc.get_freeze_count() > 0
        answer = asyncio.create_task(client.post("/v1/chat/completions", json=chat(stream=True)))
        await asyncio.wait_for(service.waiting.wait(), SECONDS)
        os.kill(os.getpid(), number)
        with pytest.raises(httpx.TransportError):
            async with asyncio.timeout(SECONDS):
                while True:
                    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as late:
                        response = await late.get("/health/ready")
                    assert response.status_code == 503 or not task.done()
        gate.set()
        assert (await answer).text.endswith("data: [DONE]\n\n")
        await asyncio.wait_for(task, SECONDS)


@pytest.mark.usefixtures("_signals_do_not_end_the_tests")
async def test_answers_that_do_not_finish_are_told_before_the_end() -> None:
    service = FakeService([BEGUN, asyncio.Event()])
    async with serving(service, drain=2.2) as (url, task), httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        answer = asyncio.create_task(client.post("/v1/chat/completions", json=chat(stream=True)))
        await asyncio.wait_for(service.waiting.wait(), SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        text = (await asyncio.wait_for(answer, SECONDS)).text
        assert '"code":"server_shutdown"' in text
        assert "[DONE]" not in text
        await asyncio.wait_for(task, SECONDS)


@pytest.mark.usefixtures("_signals_do_not_end_the_tests")
async def test_a_second_interrupt_does_not_wait() -> None:
    service = FakeService([BEGUN, asyncio.Event()])
    async with serving(service, drain=60) as (url, task), httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        answer = asyncio.create_task(client.post("/v1/chat/completions", json=chat(stream=True)))
        await asyncio.wait_for(service.waiting.wait(), SECONDS)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        text = (await asyncio.wait_for(answer, SECONDS)).text
        assert '"code":"server_shutdown"' in text
        await asyncio.wait_for(task, SECONDS)


@pytest.mark.usefixtures("_signals_do_not_end_the_tests")
async def test_a_third_interrupt_waits_for_nothing() -> None:
    service = FakeService([BEGUN, asyncio.Event()])
    async with serving(service, drain=60) as (url, task), httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        answer = asyncio.create_task(client.post("/v1/chat/completions", json=chat(stream=True)))
        await asyncio.wait_for(service.waiting.wait(), SECONDS)
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(task, SECONDS)
        answer.cancel()
        with suppress(asyncio.CancelledError, httpx.TransportError):
            await answer


@pytest.mark.usefixtures("_signals_do_not_end_the_tests")
async def test_small_writes_are_not_held_back() -> None:
    """Nagle's algorithm and the client's delayed ACK together cost 40 ms each time."""
    took: list[float] = []
    async with serving(FakeService(), drain=1) as (url, _), httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        while len(took) < 300 and min(took, default=1.0) > 0.03:
            begun = time.monotonic()
            assert (await client.get("/health")).status_code == 200
            took.append(time.monotonic() - begun)
    assert min(took) < 0.03, took


async def test_a_port_in_use_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = create_app(FakeService(), AccessPolicy())
        with pytest.raises(SettingsError, match=f"127.0.0.1 port {port}"):
            await serve(app, host="127.0.0.1", port=port, drain=1, on_ready=lambda _: None)


async def test_an_address_of_another_machine_is_a_sentence() -> None:
    app = create_app(FakeService(), AccessPolicy())
    with pytest.raises(SettingsError, match="Cannot listen"):
        await serve(app, host="2001:db8::1", port=0, drain=1, on_ready=lambda _: None)


def test_the_fast_parts_are_used_where_they_are_installed() -> None:
    assert protocol_class().__name__ == "GuardedHttpTools"
    assert protocol_class(fast=False).__name__ == "GuardedH11"
    loop = loop_factory()()
    assert type(loop).__module__.startswith("uvloop")
    loop.close()
