"""Follow a link that a client sent, without being made a tool against the network that we stand in.

The guards are reliability.md 2.4's: https on its own port only, the name is resolved once, every address must be
public, the connection goes to exactly that address with the name for TLS and Host, no redirects, bounded size and
time, and a client of its own that knows no credentials, cookies or proxies.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import httpx

from cwproxy.errors import InvalidRequest
from cwproxy.upstream.addresses import is_public

MAX_BYTES: Final = 5 * 1024 * 1024
SECONDS: Final = 5.0
"""For one link, names and all, by the clock on the wall."""

MAX_URL_LENGTH: Final = 8_192
PORT: Final = 443

Resolver: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""A host's name to its addresses. Raises OSError."""


class Fetcher:
    """`resolve` and `transport` are the seams for tests; the transport is asked for the address, not for the name."""

    def __init__(
        self,
        *,
        resolve: Resolver | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        within: float = SECONDS,
    ) -> None:
        self._resolve = resolve or _resolve
        self._transport = transport
        self._within = within

    async def fetch(self, url: str, place: str) -> bytes:
        """The bytes at `url`. Raises InvalidRequest that names `place` and says no more than the client knows."""
        parsed = _https(url, place)
        try:
            async with asyncio.timeout(self._within):
                address = await self._address(parsed.host, place)
                return await self._get(parsed, address, place)
        except TimeoutError as error:
            raise _refused(place, f"took longer than {self._within:.0f} s") from error
        except (httpx.HTTPError, OSError, UnicodeError) as error:  # the last: a name that no resolver can spell
            raise _refused(place, "cannot be fetched") from error

    async def _address(self, host: str, place: str) -> str:
        addresses = await self._resolve(host)
        if not addresses or not all(is_public(address) for address in addresses):
            raise _refused(place, "does not lead to a public address")
        return addresses[0]

    async def _get(self, url: httpx.URL, address: str, place: str) -> bytes:
        transport = self._transport or httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False, retries=0)
        host = url.host
        request = httpx.Request(
            "GET",
            url.copy_with(host=address),
            headers={"host": url.netloc.decode("ascii"), "accept": "image/*", "accept-encoding": "identity"},
            extensions={"sni_hostname": host, "timeout": httpx.Timeout(self._within).as_dict()},
        )
        async with transport:
            response = await transport.handle_async_request(request)
            try:
                return await _body(response, place)
            finally:
                await response.aclose()


async def _body(response: httpx.Response, place: str) -> bytes:
    if 300 <= response.status_code < 400:
        raise _refused(place, "leads elsewhere, and redirects are not followed")
    if response.status_code != 200:
        raise _refused(place, f"is answered with HTTP {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _refused(place, "is sent compressed")
    content = b""
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type; transports give nothing else
    async for data in response.stream:
        content += data
        if len(content) > MAX_BYTES:
            raise _refused(place, f"has more than {MAX_BYTES} bytes (5 MiB)")
    return content


def _https(url: str, place: str) -> httpx.URL:
    if len(url) > MAX_URL_LENGTH:
        raise _refused(place, f"is longer than {MAX_URL_LENGTH} characters")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused(place, "is no valid URL") from error
    if parsed.scheme != "https" or parsed.port not in (None, PORT) or parsed.userinfo or not parsed.host:
        raise _refused(place, "must be https, on the usual port and without a password")
    return parsed.copy_with(fragment=None)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=True, trust_env=False)


async def _resolve(host: str) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _refused(place: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The picture at `{place}` {why}; send the picture itself as data:image/png;base64,...",
        param=place,
        code="invalid_image_url",
    )
