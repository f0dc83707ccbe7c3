"""What each of the two HTTP protocols must do; their test files name the protocol and inherit these tests."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from tests.support.api_client import chat
from tests.support.fake_service import FakeService, Step, text_reply
from tests.support.server import run_server
from tests.support.waiting import SECONDS

from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.api.line import ABORT
from cwproxy.reply import TextDelta, TextStarted

BODY = json.dumps(chat(stream=True)).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


def app_of(service: FakeService, limits: Limits | None = None) -> FastAPI:
    return create_app(service, AccessPolicy(), limits=limits or Limits())


@asynccontextmanager
async def connected(
    url: str, *, receive_buffer: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection; `receive_buffer` makes the kernel's share of it small."""
    address = httpx.URL(url)
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=2**26)
    try:
        yield reader, writer
    finally:
        writer.close()


async def until_closed(reader: asyncio.StreamReader, seconds: float = SECONDS) -> bytes:
    """What arrives until the server ends the connection."""
    async with asyncio.timeout(seconds):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


class ProtocolContract:
    """`protocol` is the class under test, `hasty` a subclass with short times."""

    protocol: ClassVar[type[asyncio.Protocol]]
    hasty: ClassVar[type[asyncio.Protocol]]

    async def test_a_stream_and_a_whole_answer_over_one_connection(self) -> None:
        async with (
            run_server(app_of(FakeService()), protocol=self.protocol) as url,
            httpx.AsyncClient(base_url=url, timeout=SECONDS) as client,
        ):
            for stream in (True, False, True):
                response = await client.post("/v1/chat/completions", json=chat(stream=stream))
                assert response.status_code == 200
                assert "Hello" in response.text

    async def test_a_large_body_that_comes_together_with_its_head(self) -> None:
        body = json.dumps(chat()).encode() + b" " * 1_000_000
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            for _ in range(3):
                writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                async with asyncio.timeout(SECONDS):
                    answer = await reader.readuntil(b"\r\n\r\n")
                    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                    await reader.readexactly(length)
                assert answer.startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("stream", [True, False])
    async def test_the_backend_is_left_when_the_client_is_gone(self, stream: bool) -> None:
        begun: Step = [TextStarted(0), TextDelta(0, "x")]
        service = FakeService([begun, asyncio.Event()])
        async with run_server(app_of(service), protocol=self.protocol) as url:
            async with connected(url) as (_, writer):
                body = json.dumps(chat(stream=stream)).encode()
                writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await asyncio.wait_for(service.waiting.wait(), SECONDS)
                assert not service.left.is_set()
            await asyncio.wait_for(service.left.wait(), SECONDS)

    @pytest.mark.parametrize("whole", [True, False], ids=["at once", "head first"])
    async def test_an_offered_upgrade_is_declined_and_the_body_read(self, whole: bool) -> None:
        """Java's own HTTP client offers h2c with every request, unless told otherwise."""
        offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            for _ in range(2):
                writer.write(HEAD + offer + b"Content-Length: %d\r\n\r\n" % len(BODY))
                if not whole:
                    await writer.drain()
                    await asyncio.sleep(0.05)
                writer.write(BODY)
                async with asyncio.timeout(SECONDS):
                    answer = await reader.readuntil(b"[DONE]\n\n\r\n0\r\n\r\n")
                assert answer.startswith(b"HTTP/1.1 200")
                assert b"Hello" in answer

    async def test_a_body_that_goes_on_after_its_answer_is_not_awaited_for_ever(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.hasty) as url, connected(url) as (reader, writer):
            writer.write(b"POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
            writer.write(b"x")
            await until_closed(reader)

    async def test_an_answered_request_may_finish_its_body(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.hasty) as url, connected(url) as (reader, writer):
            writer.write(b"POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
            assert (await reader.readuntil(b'"not_found"}}')).startswith(b"HTTP/1.1 404")
            writer.write(b"cd")
            await asyncio.sleep(1.0)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b'"ok"' in await until_closed(reader)

    async def test_pings_cross_the_wire(self) -> None:
        gate = asyncio.Event()
        service = FakeService([gate, *text_reply("late")])
        async with (
            run_server(app_of(service, Limits(hold=0.01, ping=0.02)), protocol=self.protocol) as url,
            httpx.AsyncClient(base_url=url, timeout=SECONDS) as client,
            client.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as response,
        ):
            lines = response.aiter_lines()
            assert await anext(lines) == ": ping"
            gate.set()
            assert [line async for line in lines][-2:] == ["data: [DONE]", ""]

    async def test_pipelined_requests_are_answered_in_order(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            writer.write(b"".join(b"GET /nope%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(2)))
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = await until_closed(reader)
        assert answer.index(b"/nope0") < answer.index(b"/nope1") < answer.index(b'"ok"')

    @pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
    async def test_a_head_that_is_never_finished(self, start: bytes) -> None:
        async with run_server(app_of(FakeService()), protocol=self.hasty) as url, connected(url) as (reader, writer):
            writer.write(start)
            assert b"200" not in await until_closed(reader)

    async def test_half_a_head_after_good_requests(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.hasty) as url, connected(url) as (reader, writer):
            for _ in range(3):
                writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await reader.readuntil(b'{"status":"ok"}')
            writer.write(b"GET /hea")
            assert await until_closed(reader) == b""

    @pytest.mark.parametrize(
        "line", [b"X-Long: " + b"a" * 1_000_000, b"\r\n".join([b"X: y"] * 50_000)], ids=["long", "many"]
    )
    async def test_a_head_that_is_too_long(self, line: bytes) -> None:
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n\r\n")
            assert b"200 OK" not in await until_closed(reader)

    @pytest.mark.parametrize(
        "request_bytes",
        [
            HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        ],
        ids=["two lengths", "bad chunk", "length and chunked", "TLS"],
    )
    async def test_broken_framing_is_refused_and_closed(self, request_bytes: bytes) -> None:
        service = FakeService()
        async with run_server(app_of(service), protocol=self.protocol) as url, connected(url) as (reader, writer):
            writer.write(request_bytes)
            answer = await until_closed(reader)
        assert answer.startswith(b"HTTP/1.1 400") or answer == b""
        assert service.asked == []

    async def test_what_is_no_http_is_answered_in_json(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            writer.write(b"what is this\r\n\r\n")
            head, _, body = (await until_closed(reader)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400") and b"content-type: application/json" in head
        assert f"content-length: {len(body)}".encode() in head
        assert json.loads(body)["error"]["code"] == "invalid_http"

    async def test_an_oversize_body_is_not_asked_for(self) -> None:
        async with run_server(app_of(FakeService()), protocol=self.protocol) as url, connected(url) as (reader, writer):
            writer.write(HEAD + b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n")
            answer = await until_closed(reader)
        assert answer.startswith(b"HTTP/1.1 413")

    async def test_a_client_that_never_reads_is_disconnected(self) -> None:
        given_out = 0

        class Counting(FakeService):
            async def _play(self, step: Step) -> None:
                nonlocal given_out
                given_out += 1

        piece: list[Step] = [[TextDelta(0, "x" * 100_000)], asyncio.Event()]
        service = Counting([[TextStarted(0)], *piece * 1000])
        async with (
            run_server(app_of(service), protocol=self.hasty) as url,
            connected(url, receive_buffer=4096) as (_, writer),
        ):
            transport = writer.transport
            assert isinstance(transport, asyncio.ReadTransport)
            transport.pause_reading()
            writer.write(REQUEST)
            async with asyncio.timeout(SECONDS):
                await service.entered.wait()
                await service.left.wait()
        assert given_out < 1000, "it was not written to the end"

    async def test_a_slow_reader_gets_everything(self) -> None:
        piece: Step = [TextDelta(0, "x" * 100_000)]
        service = FakeService([[TextStarted(0)], *[piece] * 100, *text_reply()])
        async with (
            run_server(app_of(service), protocol=self.protocol) as url,
            connected(url, receive_buffer=4096) as (reader, writer),
        ):
            transport = writer.transport
            assert isinstance(transport, asyncio.ReadTransport)
            transport.pause_reading()
            writer.write(REQUEST)
            await service.entered.wait()
            await asyncio.sleep(0.1)
            assert not service.left.is_set()
            transport.resume_reading()
            async with asyncio.timeout(SECONDS):
                answer = await reader.readuntil(b"[DONE]\n\n\r\n0\r\n\r\n")
        assert answer.count(b"x" * 100_000) == 100

    async def test_an_application_may_cut_the_connection(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await receive()
                await send({"type": "lifespan.startup.complete"})
                await receive()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            scope["extensions"][ABORT]["call"]()
            await receive()

        async with run_server(app, protocol=self.protocol) as url, httpx.AsyncClient(timeout=SECONDS) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(url)
