"""Open connections: names to addresses, addresses to sockets, TLS, and the way through a proxy."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, TypeAlias
from urllib.parse import unquote

import httpx

from cwproxy.upstream.transport.connection import Connection, Origin
from cwproxy.upstream.transport.exchange import Exchange, Limits
from cwproxy.upstream.transport.faults import Untrusted

HEAD_START: Final = 0.25
"""Seconds that an address has to answer before the next one is tried beside it (RFC 8305, section 8)."""

RESOLVED_SECONDS: Final = 10.0
"""How long a name's addresses are believed: a peak of calls is not to become a peak of look-ups."""

PROBED_SECONDS: Final = 10
PROBE_SECONDS: Final = 3
PROBES: Final = 3
"""A peer that is silent for ten seconds is asked by the kernel whether it is there, thrice: that one has vanished
without a word is known after twenty seconds, and not when the answer's own time is over (reliability.md 3A 8).
"""

UNACKNOWLEDGED_SECONDS: Final = 20
"""How long what was sent may stay without acknowledgement, where the kernel takes such a limit."""

_KEEPING: Final = tuple(
    (number, value)
    for name, value in (
        ("TCP_KEEPIDLE", PROBED_SECONDS),
        ("TCP_KEEPALIVE", PROBED_SECONDS),  # what macOS calls it
        ("TCP_KEEPINTVL", PROBE_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1000),
    )
    if (number := getattr(socket, name, None)) is not None
)

_Addresses: TypeAlias = Sequence[
    tuple[
        socket.AddressFamily,
        socket.SocketKind,
        int,
        str,
        tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes],
    ]
]


_Resolve: TypeAlias = Callable[[str, int], Awaitable[_Addresses]]


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. authorization: the value of `Proxy-Authorization`, or None."""

    origin: Origin
    authorization: bytes | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """Raises ValueError or httpx.InvalidURL for anything but an http or https URL."""
        url = httpx.URL(text)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("not an http or https URL")
        secure = url.scheme == "https"
        authorization = None
        if url.userinfo:
            name, _, password = url.userinfo.decode("ascii").partition(":")
            authorization = b"Basic " + base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode())
        return cls(Origin(secure, url.host, url.port or (443 if secure else 80)), authorization)

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return () if self.authorization is None else ((b"Proxy-Authorization", self.authorization),)


class Dialer:
    """proxy: the way that connections take to other machines than this one. ca_bundle: a PEM file of authorities to
    trust beside the usual ones. resolve: from a name and a port to addresses; raises OSError.

    Raises OSError for a bundle that cannot be used.
    """

    def __init__(
        self, *, proxy: Proxy | None = None, ca_bundle: str | None = None, resolve: _Resolve | None = None
    ) -> None:
        self._proxy = proxy
        self._resolve = resolve or _resolve
        self._context: ssl.SSLContext | None = None if ca_bundle is None else _trust(ca_bundle)
        self._resolved: dict[Origin, tuple[float, _Addresses]] = {}
        self._lookups: dict[Origin, asyncio.Future[_Addresses]] = {}

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """No proxy leads back to this machine (reliability.md 3A 25)."""
        return None if self._proxy is None or _is_here(origin.host) else self._proxy

    async def dial(
        self, origin: Origin, *, within: float | None, on_closed: Callable[[Connection], None]
    ) -> Connection:
        """A new connection to `origin`. Raises httpx.ConnectError, ConnectTimeout and ProxyError, and UnicodeError
        for a name that cannot be a host's.
        """
        connection = Connection(origin, on_closed)
        try:
            with _as_httpx():
                async with asyncio.timeout(within):
                    await self._open(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _open(self, connection: Connection) -> None:
        origin = connection.origin
        proxy = self.proxy_for(origin)
        if proxy is None:
            await self._connect(connection, origin)
        else:
            await self._connect(connection, proxy.origin)
            if proxy.origin.secure:
                await self._secure(connection, proxy.origin.host)
            if origin.secure:
                await _tunnel(connection, proxy)
        if origin.secure:
            await self._secure(connection, origin.host)

    async def _connect(self, connection: Connection, to: Origin) -> None:
        import aiohappyeyeballs

        loop = asyncio.get_running_loop()
        addresses = await self._addresses(to)
        try:
            sock = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=HEAD_START, interleave=1, loop=loop
            )
        except OSError:
            self._resolved.pop(to, None)
            raise
        _keep_watch(sock)
        try:
            await loop.create_connection(lambda: connection, sock=sock)
        except BaseException:
            if connection.transport is None:
                sock.close()
            raise

    async def _addresses(self, to: Origin) -> _Addresses:
        loop = asyncio.get_running_loop()
        until, known = self._resolved.get(to, (0.0, []))
        if loop.time() < until:
            return known
        to.host.encode("idna")  # the event loops disagree on what they raise for an impossible name
        lookup = self._lookups.get(to)
        if lookup is None:
            lookup = self._lookups[to] = asyncio.ensure_future(self._look_up(to))
            lookup.add_done_callback(lambda done: self._looked_up(to, done))
        return await asyncio.shield(lookup)

    async def _look_up(self, to: Origin) -> _Addresses:
        """Once for all who wait for it, for it holds a thread; who goes leaves it to the others."""
        found = await self._resolve(to.host, to.port)
        self._resolved[to] = (asyncio.get_running_loop().time() + RESOLVED_SECONDS, found)
        return found

    def _looked_up(self, to: Origin, lookup: "asyncio.Future[_Addresses]") -> None:
        self._lookups.pop(to, None)
        if not lookup.cancelled():
            lookup.exception()  # seen, also where nobody waits any more

    async def _secure(self, connection: Connection, name: str) -> None:
        if self._context is None:
            self._context = await asyncio.to_thread(_trust)
        plain = connection.transport
        if plain is None:
            raise ConnectionAbortedError("The connection ended before TLS began.")
        loop = asyncio.get_running_loop()
        try:
            connection.transport = await loop.start_tls(plain, connection, self._context, server_hostname=name)
        except BaseException:
            plain.abort()
            raise


async def _resolve(host: str, port: int) -> _Addresses:
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


def _keep_watch(sock: socket.socket) -> None:
    """Whether the peer is there is the kernel's to find out; a system that takes no such limits has its own."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPING:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _tunnel(connection: Connection, proxy: Proxy) -> None:
    authority = connection.origin.authority.encode("ascii")
    lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: " + authority]
    lines += [name + b": " + value for name, value in proxy.headers]
    exchange = Exchange(connection, Limits(), lambda _: None, head_only=True)
    await exchange.start(b"\r\n".join(lines) + b"\r\n\r\n", b"")
    connection.served = 0
    if not 200 <= exchange.status < 300:
        raise httpx.ProxyError(f"The proxy answered CONNECT with {exchange.status}")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _trust(ca_bundle: str | None = None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(verify=True, trust_env=False)
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx.ConnectTimeout("Connecting took too long.") from error
    except ssl.SSLCertVerificationError as error:
        raise Untrusted("The certificate is not trusted.") from error
    except OSError as error:
        raise httpx.ConnectError("There is no connection.") from error
