"""Bytes on real sockets, and what comes of the connections."""

import asyncio
import socket

import httpx
import pytest
from bench.process import raise_file_limit
from tests.support.raw_server import LAST_CHUNK, OK_HEAD, chunk, raw_server, reset
from tests.support.transports import ask, read, transport
from tests.support.waiting import SECONDS, until

from cwproxy.upstream.transport.faults import Disconnected
from cwproxy.upstream.transport.pool import IDLE_LIMIT

pytestmark = pytest.mark.anyio

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answering(*writes: bytes, then_close: bool = False):  # type: ignore[no-untyped-def]
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for data in writes:
            writer.write(data)
            await writer.drain()
        if then_close:
            writer.close()

    return behaviour


@pytest.mark.parametrize(
    ("wire", "then_close", "body"),
    [
        (SIZED, False, b"ok"),
        (OK_HEAD + chunk(b"o") + b"1;ext=1\r\nk\r\n0\r\nX-T: 1\r\n\r\n", False, b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", True, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", True, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + SIZED, False, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, b""),
    ],
)
async def test_the_forms_of_a_body(wire: bytes, then_close: bool, body: bytes) -> None:
    async with raw_server(answering(wire, then_close=then_close)) as server, transport() as made:
        response = await ask(made, server.url)
        assert (response.status_code, await read(response)) == (200, body)


async def test_a_connection_serves_one_call_after_another() -> None:
    async with raw_server(answering(SIZED)) as server, transport() as made:
        for _ in range(3):
            assert await read(await ask(made, server.url)) == b"ok"
        assert server.accepted == 1


async def test_calls_at_once_have_a_connection_each_and_leave_them_for_later() -> None:
    async with raw_server(answering(SIZED)) as server, transport() as made:
        for _ in range(2):
            responses = await asyncio.gather(*[ask(made, server.url) for _ in range(5)])
            assert [await read(response) for response in responses] == [b"ok"] * 5
        assert server.accepted == 5


@pytest.mark.parametrize(
    ("wire", "method"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "POST"),
        (SIZED + b"HTTP/1.1 200 OK\r\n", "POST"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEAD"),
    ],
)
async def test_connections_that_cannot_be_used_again_are_closed(wire: bytes, method: str) -> None:
    async with raw_server(answering(wire)) as server, transport() as made:
        await read(await ask(made, server.url, method=method))
        await until(lambda: server.open == 0)
        await read(await ask(made, server.url, method=method))
        assert server.accepted == 2


async def test_a_connection_that_ended_while_it_was_idle_is_not_used() -> None:
    async with raw_server(answering(SIZED, then_close=True)) as server, transport() as made:
        for expected in (1, 2):
            assert await read(await ask(made, server.url)) == b"ok"
            await until(lambda: not made._pool._open)
            assert server.accepted == expected


async def test_something_said_out_of_turn_ends_an_idle_connection() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SIZED)
        await writer.drain()
        await asyncio.sleep(0.05)  # the fault itself: the connection is idle by then
        writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")

    async with raw_server(behaviour) as server, transport() as made:
        assert await read(await ask(made, server.url)) == b"ok"
        await until(lambda: server.open == 0)
        assert await read(await ask(made, server.url)) == b"ok"


@pytest.mark.parametrize("by_reset", [False, True])
async def test_a_kept_connection_that_fails_before_any_byte_is_told_apart(by_reset: bool) -> None:
    calls = 0

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            writer.write(SIZED)
        elif by_reset:
            reset(writer)
        else:
            writer.close()

    async with raw_server(behaviour) as server, transport() as made:
        await read(await ask(made, server.url))
        with pytest.raises(Disconnected) as caught:
            await ask(made, server.url)
        assert caught.value.reused
        with pytest.raises(Disconnected) as caught:
            await ask(made, server.url)
        assert not caught.value.reused
        assert server.accepted == 2


async def test_a_byte_of_the_answer_makes_it_an_ordinary_failure() -> None:
    calls = 0

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.write(SIZED if calls == 1 else b"H")
        if calls > 1:
            writer.close()

    async with raw_server(behaviour) as server, transport() as made:
        await read(await ask(made, server.url))
        with pytest.raises(httpx.ReadError):
            await ask(made, server.url)


async def test_every_place_to_be_cancelled_leaves_no_connection() -> None:
    """Cancelled after 0, 1, 2 … rounds of the event loop, until a call gets through."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"o"))
        await writer.drain()
        writer.write(chunk(b"k") + LAST_CHUNK)

    async with raw_server(behaviour) as server, transport() as made:

        async def whole() -> bytes:
            response = await ask(made, server.url, content=bytes(300_000))
            return await read(response)

        whole_calls = 0
        for rounds in range(400):
            task = asyncio.ensure_future(whole())
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            try:
                assert await task == b"ok"
            except asyncio.CancelledError:
                continue
            whole_calls += 1
            if whole_calls == 5:
                break
        assert whole_calls
        await made.aclose()
        await until(lambda: server.open == 0)


async def test_closing_ends_what_is_idle_and_what_is_in_use() -> None:
    async with raw_server(answering(OK_HEAD + chunk(b"one"))) as server, transport() as made:
        response = await ask(made, server.url)
        await made.aclose()
        await until(lambda: server.open == 0)
        with pytest.raises(httpx.ReadError):
            await read(response)


async def test_other_schemes_are_refused() -> None:
    async with transport() as made:
        with pytest.raises(httpx.UnsupportedProtocol):
            await ask(made, "ftp://127.0.0.1/")


async def test_a_thousand_streams_at_once_end_whole() -> None:
    """Each on a connection of its own; afterwards a hundred are kept."""
    raise_file_limit()
    streams, together = 1_000, asyncio.Event()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"first"))
        await together.wait()
        writer.write(chunk(b"last") + LAST_CHUNK)

    async with raw_server(behaviour) as server, transport() as made:

        async def one() -> bytes:
            return await read(await ask(made, server.url, connect=SECONDS, read=SECONDS))

        tasks = [asyncio.ensure_future(one()) for _ in range(streams)]
        await until(lambda: server.open == streams)
        together.set()
        assert await asyncio.gather(*tasks) == [b"firstlast"] * streams
        await until(lambda: server.open == IDLE_LIMIT)


async def test_addresses_of_version_6() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Host: [::1]:" in await reader.readuntil(b"\r\n\r\n")
        writer.write(SIZED)
        writer.close()

    try:
        listener = await asyncio.start_server(serve, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert listener.sockets[0].family == socket.AF_INET6
    async with listener, transport() as made:
        port = listener.sockets[0].getsockname()[1]
        assert await read(await ask(made, f"http://[::1]:{port}/", content=b"")) == b"ok"
