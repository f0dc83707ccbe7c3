"""One request and its answer: reads, pauses, limits."""

import asyncio

import httpx
import pytest
from tests.support.raw_server import LAST_CHUNK, OK_HEAD, chunk, raw_server
from tests.support.transports import ask, read, transport
from tests.support.waiting import SECONDS, until

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024


async def test_what_one_read_brought_is_one_item() -> None:
    more = asyncio.Event()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"a") + chunk(b"b") + chunk(b"c"))
        await more.wait()
        writer.write(chunk(b"d") + chunk(b"e") + LAST_CHUNK)

    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url)
        reads = aiter(response.stream)  # type: ignore[arg-type]
        assert await anext(reads) == b"abc"
        more.set()
        assert await anext(reads) == b"de"
        with pytest.raises(StopAsyncIteration):
            await anext(reads)
        await response.aclose()


async def test_a_slow_reader_holds_the_backend_up() -> None:
    written = 0

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(OK_HEAD)
        for _ in range(64):
            writer.write(chunk(bytes(MEGABYTE)))
            await writer.drain()
            written += MEGABYTE
        writer.write(LAST_CHUNK)

    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url)
        seen = -1
        while written != seen:  # until the sockets between are full, too
            seen = written
            await asyncio.sleep(0.2)
        assert written < 32 * MEGABYTE
        assert len(await read(response)) == 64 * MEGABYTE
        assert await read(await ask(made, server.url, read=SECONDS)) == bytes(64 * MEGABYTE)
        assert server.accepted == 1


async def test_silence_has_a_limit_and_slowness_has_none() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD)
        for _ in range(8):
            writer.write(chunk(b"."))
            await writer.drain()
            await asyncio.sleep(0.7)  # the pace itself
        await reader.read()

    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url, read=5.0)
        seen = b""
        began = asyncio.get_running_loop().time()
        with pytest.raises(httpx.ReadTimeout):
            async for data in response.stream:  # type: ignore[union-attr]
                seen += data
        assert seen == b"." * 8
        assert asyncio.get_running_loop().time() - began > 5.0
        await until(lambda: server.open == 0)


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"one"))
        await writer.drain()
        await quiet.wait()  # longer than the limit of silence, but nobody waits for most of it
        writer.write(chunk(b"two") + LAST_CHUNK)

    quiet = asyncio.Event()
    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url, read=4.0)
        await asyncio.sleep(4.2)
        asyncio.get_running_loop().call_later(0.05, quiet.set)
        assert await read(response) == b"onetwo"


async def test_a_large_request_arrives_whole() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    content = bytes(range(256)) * 40_000
    async with raw_server(behaviour) as server, transport() as made:
        for _ in range(2):
            await read(await ask(made, server.url, content=content))
        assert server.requests[1].endswith(content)
        assert server.accepted == 1


async def test_a_request_that_is_not_taken_has_a_limit() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await given_up.wait()  # the fault itself: it never reads
        writer.close()
        noticed.set()

    given_up, noticed = asyncio.Event(), asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with transport() as made:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(httpx.WriteTimeout):
            await ask(made, f"http://127.0.0.1:{port}", content=bytes(64 * MEGABYTE), write=0.2)
    given_up.set()
    await noticed.wait()
    listener.close()


async def test_an_answer_before_the_end_of_the_request_is_heard() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with transport() as made:
        port = listener.sockets[0].getsockname()[1]
        response = await ask(made, f"http://127.0.0.1:{port}", content=bytes(64 * MEGABYTE))
        assert (response.status_code, await read(response)) == (413, b"no")
        gone.set()
    listener.close()


@pytest.mark.parametrize("size", [100_000, 500_000, 3 * MEGABYTE, 20 * MEGABYTE])
async def test_a_refusal_is_heard_though_the_connection_ends_under_the_request(size: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        writer.close()  # with the rest of the request unread, which makes it a reset

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with transport() as made:
        port = listener.sockets[0].getsockname()[1]
        for _ in range(5):
            response = await ask(made, f"http://127.0.0.1:{port}", content=bytes(size))
            assert (response.status_code, await read(response)) == (413, b"no")
    listener.close()


async def test_a_connection_that_ends_under_the_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with transport() as made:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(httpx.TransportError):
            await ask(made, f"http://127.0.0.1:{port}", content=bytes(64 * MEGABYTE))
    listener.close()


async def test_what_was_left_cannot_be_read_as_if_it_had_ended() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"one"))
        await reader.read()

    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url)
        reads = aiter(response.stream)  # type: ignore[arg-type]
        assert await anext(reads) == b"one"
        await response.aclose()
        with pytest.raises(httpx.ReadError):
            await anext(reads)
        await until(lambda: server.open == 0)


async def test_what_came_before_a_fault_is_given_out() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"one") + b"not-hexadecimal\r\n")
        await reader.read()

    async with raw_server(behaviour) as server, transport() as made:
        response = await ask(made, server.url)
        reads = aiter(response.stream)  # type: ignore[arg-type]
        assert await anext(reads) == b"one"
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError, match="malformed"):
                await anext(reads)


async def test_a_server_that_ends_its_side_before_it_has_read() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
        writer.write_eof()
        await done.wait()
        writer.close()
        ended.set()

    done, ended = asyncio.Event(), asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with transport() as made:
        port = listener.sockets[0].getsockname()[1]
        assert await read(await ask(made, f"http://127.0.0.1:{port}", content=bytes(64 * MEGABYTE))) == b"ok"
        done.set()
        await ended.wait()
    listener.close()
