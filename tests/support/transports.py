"""Requests through a transport, as the upstream client makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from tests.support.waiting import SECONDS

from cwproxy.upstream.transport import Transport


def timeouts(*, connect: float = SECONDS, write: float = SECONDS, read: float = SECONDS) -> dict[str, object]:
    """The extensions of a request."""
    return {"timeout": {"connect": connect, "write": write, "read": read, "pool": connect}}


@asynccontextmanager
async def transport(*, proxy: str | None = None, ca_bundle: str | None = None) -> AsyncIterator[Transport]:
    made = Transport(proxy=proxy, ca_bundle=ca_bundle)
    try:
        yield made
    finally:
        await made.aclose()


async def ask(
    made: Transport, url: str, *, content: bytes = b"{}", method: str = "POST", **limits: float
) -> httpx.Response:
    """An answer whose body has not been read."""
    return await made.handle_async_request(httpx.Request(method, url, content=content, extensions=timeouts(**limits)))


async def read(response: httpx.Response) -> bytes:
    """The body, to its end."""
    try:
        return await response.aread()
    finally:
        await response.aclose()
