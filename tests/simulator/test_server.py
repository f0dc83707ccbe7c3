import asyncio
import contextlib
import socket
import ssl

import httpx
import pytest
import trustme
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

from cwproxy.simulator import SimulatorOptions, SimulatorServer

pytestmark = pytest.mark.anyio


async def test_it_runs_in_the_callers_loop() -> None:
    server = SimulatorServer(SimulatorOptions(page_size=1))
    port = await server.start()
    server.simulation.accounts.create("builder-id", account_id="me")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=SECONDS) as client:
        accounts = (await client.get("/__control/accounts")).json()["accounts"]
    assert [account["id"] for account in accounts] == ["me"]
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_is_an_oserror() -> None:
    first, second = SimulatorServer(), SimulatorServer()
    port = await first.start()
    with pytest.raises(OSError, match=str(port)):
        await second.start("127.0.0.1", port)
    await second.stop()
    await first.stop()


async def test_stopping_cuts_what_is_open() -> None:
    server = SimulatorServer()
    port = await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /token HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n")
    async with asyncio.timeout(SECONDS):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert server.simulation.connections() == 1
        await server.stop()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()


async def test_it_can_stop_listening_for_a_while() -> None:
    server = SimulatorServer()
    port = await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=SECONDS) as client:
        await client.post("/__control/listening", json={"seconds": 5.0})
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert (await client.get("/__control/status")).json()["connections"] == 1
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
                else:
                    break
        writer.close()
    await server.stop()


async def test_it_can_accept_and_never_read() -> None:
    server = SimulatorServer()
    port = await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=SECONDS) as client:
        await client.post("/__control/black-hole", json={"seconds": 600.0})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 50_000_000)
        assert (await client.get("/__control/status")).status_code == 200  # an older connection
        assert writer.transport.get_write_buffer_size() > 10_000_000
        await client.post("/__control/black-hole", json={"seconds": 0.0})
        async with asyncio.timeout(SECONDS):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        writer.close()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=SECONDS) as client:
        assert (await client.get("/__control/status")).status_code == 200
    await server.stop()


async def test_it_can_be_stopped_while_it_swallows() -> None:
    server = SimulatorServer()
    port = await server.start()
    assert server.simulation.swallow is not None
    server.simulation.swallow(30.0)
    server.simulation.swallow(30.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await server.stop()
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ConnectionResetError):
            await reader.read()
    writer.close()


def test_it_speaks_https() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Simulator(tls=context) as aws:
        assert httpx.get(f"{aws.url}/device", verify=trusting, trust_env=False, timeout=SECONDS).status_code < 500
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(aws.url, trust_env=False, timeout=SECONDS)


async def test_it_can_be_stopped_while_it_does_not_listen() -> None:
    server = SimulatorServer()
    await server.start()
    assert server.simulation.mute is not None
    server.simulation.mute(30.0)
    await server.stop()


def test_from_a_thread_it_can_be_told_to_refuse() -> None:
    with Simulator() as aws:
        aws.refuse_connections(30)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", aws.port)) != 0
        assert aws.status().connections == 0
