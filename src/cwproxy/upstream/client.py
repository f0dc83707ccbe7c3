"""Open one call to the backend and hand out its bytes as they come.

httpx is the interface: its auth flow and its transports are the seams. The transport underneath is our own.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from typing import cast

import httpx
import msgspec

from cwproxy.codewhisperer import failures
from cwproxy.codewhisperer.surfaces import Call
from cwproxy.errors import BackendTimeout, BackendUnavailable, CwproxyError, Evidence
from cwproxy.upstream.errors import converted
from cwproxy.upstream.transport import Transport

ERROR_BODY_LIMIT = 64 * 1024
"""Bytes of an error body that are read; more is of no use to anybody (reliability.md 3A 23)."""

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of a body that is fetched whole; a list of models has a few kilobytes."""


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds (reliability.md 1.8). `silence` is the longest gap between two reads, `headers` is wall-clock."""

    connect: float = 5.0
    write: float = 30.0
    headers: float = 90.0
    silence: float = 180.0


class Upstream:
    """The one client of the process. `transport` is the seam for tests.

    Of httpx, calls use the two seams, `httpx.Auth` and the transport, and not the client between them: its cookies,
    redirects and merging of defaults are of no use here and take as long as the call itself.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._headers_within = (timeouts or Timeouts()).headers
        self._transport = transport or Transport(proxy=proxy, ca_bundle=ca_bundle)
        limits = _httpx_timeout(timeouts or Timeouts())
        self._extensions = {"timeout": limits.as_dict()}
        self.http = httpx.AsyncClient(
            transport=self._transport,
            timeout=limits,
            headers={"accept-encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
        )
        """For the few plain calls that are made before there is an account."""

    async def aclose(self) -> None:
        await self.http.aclose()

    @asynccontextmanager
    async def stream(self, call: Call, auth: httpx.Auth) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of a successful answer, one item per read.

        Raises what `failures.from_response` makes of any other answer, `BackendUnavailable` and `BackendTimeout`;
        the iterator raises those two as well. Leaving the context closes the connection if the body is not at its end.
        """
        with _recorded(call):
            host, response = await self._open(call, auth)
            body = _body(response)
            try:
                _expect_event_stream(response, host)
                del response  # its head, and with it the request's, which a long stream has no use for
                async with aclosing(_reads(body, host)) as reads:
                    yield reads
            finally:
                with converted(host):
                    await body.aclose()

    async def fetch(self, call: Call, auth: httpx.Auth) -> bytes:
        """The whole body of a successful answer. Raises as `stream` does, also for a body without an end. A kept
        connection that turns out to be dead is nobody's fault: the call is made again, once.
        """
        try:
            return await self._fetched(call, auth)
        except BackendUnavailable as error:
            if not error.replayable:
                raise
        return await self._fetched(call, auth)

    async def _fetched(self, call: Call, auth: httpx.Auth) -> bytes:
        with _recorded(call):
            host, response = await self._open(call, auth)
        with converted(host):
            try:
                body = bytearray()
                ended = await _start_of(response, BODY_LIMIT, within=self._headers_within, into=body)
            finally:
                await response.aclose()
        if not ended:
            raise BackendTimeout(f"{host} did not come to the end of its answer.")
        return bytes(body)

    async def _open(self, call: Call, auth: httpx.Auth) -> tuple[str, httpx.Response]:
        """The host, and an answer with status 200 whose body has not been read; the caller closes it."""
        with converted(call.url.rpartition("@")[2]):  # what stands before it may be a password
            request = self._request(call)
            host = request.url.host
        with converted(host):
            try:
                async with asyncio.timeout(self._headers_within):
                    response = await self._send(request, auth)
            except TimeoutError as error:
                raise BackendTimeout(f"{host} sent no answer within {self._headers_within:.0f} s.") from error
            try:
                encoding = response.headers.get("content-encoding", "").strip().lower()
                readable = encoding in ("", "identity")
                if response.status_code != 200:
                    body = await self._said(response) if readable else b""
                    sent = len(call.body or b"")
                    raise failures.from_response(response.status_code, lowered(response.headers), body, sent=sent)
                if not readable:
                    raise BackendUnavailable(
                        f"{host} answered with content-encoding {encoding!r}; only identity was accepted."
                    )
            except BaseException:
                await response.aclose()
                raise
        return host, response

    def _request(self, call: Call) -> httpx.Request:
        """What httpx makes of `content=` as well, in a third of the time."""
        url, body = _url(call.url), call.body or b""
        headers = [
            (b"Host", url.netloc),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in call.headers.items()),
        ]
        if call.body is not None:
            headers.append((b"Content-Length", b"%d" % len(body)))
        stream = httpx.ByteStream(body)
        request = httpx.Request(call.method, url, headers=headers, stream=stream, extensions=self._extensions)
        request.read()
        return request

    async def _said(self, response: httpx.Response) -> bytes:
        """What there is of the body of an error. Its status and headers count without it (reliability.md 3C 73)."""
        body = bytearray()
        with suppress(httpx.TransportError, OSError):
            await _start_of(response, ERROR_BODY_LIMIT, within=self._headers_within, into=body)
        return bytes(body)

    async def _send(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        """What `httpx.AsyncClient` does with an auth flow: every request of it is sent, the last answer counts."""
        async with aclosing(auth.async_auth_flow(request)) as flow:
            request = await anext(flow)
            while True:
                response = await self._transport.handle_async_request(request)
                response.request = request
                try:
                    request = await flow.asend(response)
                except StopAsyncIteration:
                    return response
                except BaseException:
                    await response.aclose()
                    raise
                await response.aclose()


@contextmanager
def _recorded(call: Call) -> Iterator[None]:
    """Add to every error which call it came from."""
    try:
        yield
    except CwproxyError as error:
        target = call.headers.get("x-amz-target", "")
        error.evidence = replace(error.evidence or Evidence(), url=call.url, target=target, sent=call.body or b"")
        raise


@lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


def _httpx_timeout(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(connect=timeouts.connect, read=timeouts.silence, write=timeouts.write, pool=timeouts.connect)


def lowered(headers: httpx.Headers) -> Mapping[str, str]:
    """Header names in lower case; of a repeated header, the values joined with commas."""
    return {name.lower(): value for name, value in headers.items()}


def _expect_event_stream(response: httpx.Response, host: str) -> None:
    """The real content type varies (protocol.md 1.4), but a web page is a captive portal, not the service."""
    content_type = response.headers.get("content-type", "")
    if content_type.strip().lower().startswith("text/"):
        raise BackendUnavailable(
            f"{host} answered with {content_type!r} instead of an event stream; "
            "something between here and AWS answers in its place.",
            reason="unexpected_content_type",
            status=response.status_code,
            retry_safe=False,
        )


async def _reads(body: httpx.AsyncByteStream, host: str) -> AsyncGenerator[bytes, None]:
    with converted(host):
        async with aclosing(_raw(body)) as stream:
            async for data in stream:
                yield data


def _body(response: httpx.Response) -> httpx.AsyncByteStream:
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - what async transports give
    return response.stream


def _raw(body: httpx.AsyncByteStream) -> AsyncGenerator[bytes, None]:
    # httpx's own iterators (aiter_raw, aiter_bytes) add a layer each; the transport's stream is what they wrap.
    return cast("AsyncGenerator[bytes, None]", aiter(body))


async def _start_of(response: httpx.Response, limit: int, *, within: float, into: bytearray) -> bool:
    """Add at most `limit` bytes of a body, and what comes of it in `within` seconds; return whether that is all."""
    if response.is_stream_consumed:
        into += response.content[:limit]
        return len(response.content) <= limit
    try:
        async with asyncio.timeout(within):
            async with aclosing(_raw(_body(response))) as reads:
                async for data in reads:
                    into += data
                    if len(into) > limit:
                        del into[limit:]
                        return False
    except TimeoutError:
        return False
    return True
