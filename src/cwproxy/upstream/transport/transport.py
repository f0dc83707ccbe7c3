"""The transport itself: a connection for each request, from the pool or new."""

import asyncio

import httpx

from cwproxy.upstream.transport import outgoing
from cwproxy.upstream.transport.connection import Origin
from cwproxy.upstream.transport.dialing import Dialer, Proxy
from cwproxy.upstream.transport.exchange import Exchange, Limits
from cwproxy.upstream.transport.pool import Pool


class Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1, with keep-alive. There is no limit of connections: who may call is decided at the door.

    proxy: an http or https URL; anything else raises ValueError or httpx.InvalidURL. ca_bundle: a PEM file; one that
    cannot be used raises OSError.
    Requests take their limits from the extension `timeout`, as httpx defines it.
    """

    def __init__(self, *, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self._dialer = Dialer(proxy=Proxy.parse(proxy) if proxy else None, ca_bundle=ca_bundle)
        self._pool = Pool()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError. The body is closed by its reader."""
        url = request.url
        origin = _origin(url)
        limits = _limits(request)
        head = self._head(request, origin)
        body = await outgoing.body(request)
        connection = self._pool.take(origin)
        if connection is None:
            connection = await self._dialer.dial(origin, within=limits.connect, on_closed=self._pool.closed)
            self._pool.add(connection)
        taken = connection

        def ended(reusable: bool) -> None:
            if reusable:
                self._pool.put(taken)
            else:
                taken.close()

        exchange = Exchange(connection, limits, ended, head_only=request.method == "HEAD")
        try:
            await exchange.start(head, body)
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(exchange.status, headers=exchange.take_headers(), stream=exchange)

    async def aclose(self) -> None:
        """Ends every connection, also those in use."""
        self._pool.close()
        await asyncio.sleep(0)  # the event loop closes the sockets in its next round

    def _head(self, request: httpx.Request, origin: Origin) -> bytes:
        target = request.url.raw_path
        proxy = self._dialer.proxy_for(origin)
        if proxy is None or origin.secure:
            return outgoing.head(request, target=target)
        return outgoing.head(
            request, target=b"http://" + origin.authority.encode("ascii") + target, extra=proxy.headers
        )


def _origin(url: httpx.URL) -> Origin:
    secure = url.scheme == "https"
    if not secure and url.scheme != "http":
        raise httpx.UnsupportedProtocol(f"The scheme {url.scheme!r} is not known.")
    return Origin(secure, url.raw_host.decode("ascii").strip("[]"), url.port or (443 if secure else 80))


def _limits(request: httpx.Request) -> Limits:
    given = request.extensions.get("timeout", {})
    return Limits(given.get("connect"), given.get("write"), given.get("read"))
