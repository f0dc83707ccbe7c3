"""The ways to a server: plain, TLS, through proxies."""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
import trustme
from tests.support.raw_server import raw_server
from tests.support.transports import ask, read, transport
from tests.support.waiting import SECONDS, until

from cwproxy.upstream.transport.connection import Origin
from cwproxy.upstream.transport.dialing import Dialer, Proxy
from cwproxy.upstream.transport.faults import Untrusted

pytestmark = pytest.mark.anyio

AUTHORITY = trustme.CA()

Addresses: TypeAlias = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]]


async def says_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return str(path)


def certificate(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


class Relay:
    """A proxy for CONNECT that leads everywhere to one port. refusal: the status that it answers with instead."""

    def __init__(self, to: int, refusal: bytes = b"") -> None:
        self.to = to
        self.refusal = refusal
        self.heads: list[bytes] = []
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        if self.refusal:
            writer.write(b"HTTP/1.1 " + self.refusal + b"\r\nContent-Length: 2\r\n\r\nno")
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(reader, far_writer))
            group.create_task(self._pump(far_reader, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        except RuntimeError:  # what uvloop says to whoever writes when the other side has gone
            if not sink.is_closing():
                raise
        sink.close()


@asynccontextmanager
async def relay(
    to: int, *, tls: ssl.SSLContext | None = None, refusal: bytes = b""
) -> AsyncIterator[tuple[Relay, str]]:
    """A relay, and where it listens."""
    made = Relay(to, refusal)
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    yield made, f"{'https' if tls else 'http'}://name:p%40ss@127.0.0.1:{port}"
    listener.close()
    await until(lambda: made.open == 0)


async def test_tls(bundle: str) -> None:
    async with raw_server(says_ok, tls=certificate("127.0.0.1")) as server, transport(ca_bundle=bundle) as made:
        for _ in range(2):
            assert await read(await ask(made, server.url, content=bytes(400_000))) == b"ok"
        assert server.accepted == 1


async def test_a_stranger_is_not_trusted(bundle: str) -> None:
    async with raw_server(says_ok, tls=certificate("127.0.0.1")) as server, transport() as made:
        with pytest.raises(Untrusted):
            await ask(made, server.url)
    async with raw_server(says_ok, tls=certificate("other.example")) as server, transport(ca_bundle=bundle) as made:
        with pytest.raises(Untrusted):
            await ask(made, server.url)
        assert not server.requests


async def test_no_tls_at_all(bundle: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with transport(ca_bundle=bundle) as made, asyncio.timeout(SECONDS):
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(httpx.ConnectError) as caught:
            await ask(made, f"https://127.0.0.1:{port}")
        assert not isinstance(caught.value, Untrusted)
        await ended.wait()
    listener.close()


async def test_a_handshake_that_hangs_is_given_up(bundle: str) -> None:
    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with raw_server(hangs) as server, transport(ca_bundle=bundle) as made:
        with pytest.raises(httpx.ConnectTimeout):
            await ask(made, server.url.replace("http:", "https:"), connect=0.2)
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("secure_proxy", [False, True])
async def test_tls_through_a_proxy(bundle: str, secure_proxy: bool) -> None:
    async with (
        raw_server(says_ok, tls=certificate("backend.invalid")) as server,
        relay(server.port, tls=certificate("127.0.0.1") if secure_proxy else None) as (through, url),
    ):
        async with transport(proxy=url, ca_bundle=bundle) as made:
            for _ in range(2):
                assert await read(await ask(made, "https://backend.invalid/path", content=bytes(400_000))) == b"ok"
        (head,) = through.heads
        assert head.startswith(b"CONNECT backend.invalid:443 HTTP/1.1\r\nHost: backend.invalid:443\r\n")
        assert b"Proxy-Authorization: Basic bmFtZTpwQHNz\r\n" in head  # name:p@ss
        assert server.requests[0].startswith(b"POST /path HTTP/1.1\r\n")
        assert b"roxy-" not in server.requests[0].partition(b"\r\n\r\n")[0]


async def test_plain_calls_through_a_proxy() -> None:
    async with raw_server(says_ok) as server:
        proxy = server.url.replace("http://", "http://name:secret@")
        async with transport(proxy=proxy) as made:
            assert await read(await ask(made, "http://backend.invalid/path?a=b")) == b"ok"
    head = server.requests[0]
    assert head.startswith(b"POST http://backend.invalid:80/path?a=b HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bmFtZTpzZWNyZXQ=\r\n" in head


async def test_no_proxy_leads_back_to_this_machine() -> None:
    async with raw_server(says_ok) as server, transport(proxy="http://proxy.invalid") as made:
        assert await read(await ask(made, server.url)) == b"ok"
        assert await read(await ask(made, server.url.replace("127.0.0.1", "localhost"))) == b"ok"


@pytest.mark.parametrize("refusal", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
async def test_a_proxy_that_refuses(bundle: str, refusal: bytes) -> None:
    async with relay(1, refusal=refusal) as (_, url), transport(proxy=url, ca_bundle=bundle) as made:
        with pytest.raises(httpx.ProxyError, match=refusal[:3].decode()):
            await ask(made, "https://backend.invalid/")


@pytest.mark.parametrize("text", ["gopher://proxy", "socks5://proxy", "proxy", "http://"])
def test_other_proxies_are_not_understood(text: str) -> None:
    with pytest.raises((ValueError, httpx.InvalidURL)):
        Proxy.parse(text)


def test_a_proxys_password_is_not_shown() -> None:
    proxy = Proxy.parse("https://name:canary@proxy.example")
    assert proxy.origin == Origin(True, "proxy.example", 443)
    assert "canary" not in repr(proxy) and "Basic" not in repr(proxy)
    assert Proxy.parse("http://proxy.example").headers == ()


def test_a_bundle_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Dialer(ca_bundle=str(tmp_path / "missing"))


async def test_nobody_there() -> None:
    async with raw_server(says_ok) as server:
        url = server.url
    async with transport() as made:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                await ask(made, url)
        with pytest.raises(UnicodeError):
            await ask(made, "http://a..b")


async def test_a_name_is_looked_up_once_for_all_who_wait() -> None:
    """Also where the first of them goes: a resolver that hangs holds one thread, and not one for each."""
    asked: list[str] = []
    gate = asyncio.Event()

    async def resolve(host: str, port: int) -> Addresses:
        asked.append(host)
        await gate.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    async with raw_server(says_ok) as server:
        dialer = Dialer(resolve=resolve)
        origin = Origin(False, "somewhere.test", server.port)
        with pytest.raises(httpx.ConnectTimeout):
            await dialer.dial(origin, within=0.05, on_closed=lambda _: None)
        dials = [asyncio.ensure_future(dialer.dial(origin, within=SECONDS, on_closed=lambda _: None)) for _ in range(5)]
        await asyncio.sleep(0.05)  # until all of them wait
        gate.set()
        for connection in await asyncio.gather(*dials):
            connection.close()
        assert asked == ["somewhere.test"]


async def test_a_look_up_that_fails_is_made_again() -> None:
    asked: list[str] = []
    failed: list[str] = []
    nobody_waits = asyncio.Event()

    async def resolve(host: str, port: int) -> Addresses:
        asked.append(host)
        await nobody_waits.wait()
        failed.append(host)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    dialer = Dialer(resolve=resolve)
    origin = Origin(False, "somewhere.test", 80)
    with pytest.raises(httpx.ConnectTimeout):
        await dialer.dial(origin, within=0.01, on_closed=lambda _: None)
    nobody_waits.set()
    await until(lambda: len(failed) == 1)
    with pytest.raises(httpx.ConnectError):
        await dialer.dial(origin, within=SECONDS, on_closed=lambda _: None)
    assert len(asked) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the names of the options are Linux's")
async def test_the_kernel_watches_whether_the_peer_is_there() -> None:
    async with raw_server(says_ok) as server:
        connection = await Dialer().dial(
            Origin(False, "127.0.0.1", server.port), within=SECONDS, on_closed=lambda _: None
        )
        assert connection.transport is not None
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        probing = [getattr(socket, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")]
        idle, interval, count = (sock.getsockopt(socket.IPPROTO_TCP, option) for option in probing)
        assert 10 <= idle + interval * count <= 20
        assert 10_000 <= sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 20_000
        connection.close()
        await asyncio.sleep(0)
