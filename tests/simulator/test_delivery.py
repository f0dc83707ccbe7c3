import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Message
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS
from tests.support.wire_requests import chat

from cwproxy.simulator.delivery import Data, End, Fin, Head, Pause, Progress, Raw, Reset, Step, deliver

pytestmark = pytest.mark.anyio


class Wire(asyncio.Transport):
    """A transport that notes what happens to it, and the two callables of ASGI."""

    def __init__(self) -> None:
        super().__init__({"socket": None})
        self.log: list[Any] = []
        self.gone = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.log.append(("raw", bytes(data)))

    def close(self) -> None:
        self.log.append("closed")
        self.gone.set()

    def abort(self) -> None:
        self.log.append("aborted")
        self.gone.set()

    def is_closing(self) -> bool:
        return self.gone.is_set()

    async def send(self, message: Any) -> None:
        self.log.append((message.get("status") or message["body"], message.get("more_body")))

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def deliver(self, *steps: Step) -> Progress:
        progress = Progress()
        await deliver(steps, send=self.send, receive=self.receive, transport=self, progress=progress)
        return progress


async def test_an_ordinary_answer() -> None:
    wire = Wire()
    progress = await wire.deliver(Head(200, [("a", "b")]), Data(b"x", 1), Pause(0.0), Data(b"y", 2), End())
    assert wire.log == [(200, None), (b"x", True), (b"y", True), (b"", False)]
    assert progress == Progress(frames=3, ended="complete", status=200)


async def test_what_http_must_not_know_of() -> None:
    wire = Wire()
    assert (await wire.deliver(Raw(b"x"), Fin(), Data(b"never"))).ended == "fin"
    assert wire.log == [("raw", b"x"), "closed"]
    wire = Wire()
    assert (await wire.deliver(Head(200, []), Reset())).ended == "reset"
    assert wire.log == [(200, None), "aborted"]


async def test_a_client_that_leaves_during_a_pause_is_noticed_at_once() -> None:
    wire = Wire()
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        delivery = group.create_task(wire.deliver(Head(200, []), Pause(30.0), Data(b"never"), End()))
        await asyncio.sleep(0)
        wire.gone.set()
    assert delivery.result().ended == "client left"
    assert wire.log == [(200, None)]


async def test_a_pause_without_end_waits_for_the_client_to_go() -> None:
    wire = Wire()
    asyncio.get_running_loop().call_later(0.06, wire.gone.set)
    assert (await wire.deliver(Pause(None), Reset())).ended == "client left"
    assert wire.log == []


async def test_a_list_that_just_ends_leaves_the_client_waiting_until_it_goes() -> None:
    wire = Wire()
    asyncio.get_running_loop().call_soon(wire.gone.set)
    assert (await wire.deliver(Head(200, []))).ended == "client left"


async def test_a_pause_ends_by_itself() -> None:
    assert (await Wire().deliver(Pause(0.06), Head(200, []), End())).ended == "complete"


def test_a_reset_is_an_rst_and_a_fin_is_none(aws: Simulator, http: httpx.Client) -> None:
    token = aws.account().token
    aws.fault("rst")
    with pytest.raises(httpx.ReadError):
        chat(http, token)
    aws.fault("close")
    with pytest.raises(httpx.RemoteProtocolError):
        chat(http, token)
    assert [request.ended for request in aws.received()] == ["reset", "fin"]
