"""Bearer tokens: put on every request, renewed once when the service does not accept one."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, suppress
from typing import Protocol, cast

import httpx

from cwproxy.codewhisperer import failures
from cwproxy.errors import CredentialRejected

ERROR_BODY_LIMIT = 64 * 1024
"""Bytes of an error body that are looked at (reliability.md 3A 23)."""


class TokenSource(Protocol):
    """Where access tokens come from. Both methods raise LoginRequired, or BackendUnavailable when there is no valid
    token and none can be had now.
    """

    async def token(self) -> str:
        """A token that is good for at least some seconds."""
        ...

    async def renew(self, stale: str) -> str:
        """A token in place of `stale`, which was not accepted. May be the same one, where it was renewed just now."""
        ...


class Bearer(httpx.Auth):
    """Asynchronous only. The answer to the last attempt is handed on with its body unread or readable again."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._source.token()
        request.headers["authorization"] = f"Bearer {token}"
        response = yield request
        if await rejected(response):
            # Also when it stays the same: the refusal has been seen to vanish by itself (backend-rules.md A6 77).
            token = await self._source.renew(token)
            request.headers["authorization"] = f"Bearer {token}"
            yield request

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise TypeError("Bearer works with httpx.AsyncClient only")


async def rejected(response: httpx.Response) -> bool:
    """Whether the service did not accept the credential: it says so with 403, rarely 401 (backend-rules.md A6 76).
    `response` can be read again afterwards.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if response.status_code not in (401, 403) or encoding not in ("", "identity"):
        return False
    body = await _peek(response)
    return isinstance(failures.from_response(response.status_code, response.headers, body), CredentialRejected)


async def _peek(response: httpx.Response) -> bytes:
    """The start of the body, or what there is of one that breaks off. `response` can be read again afterwards, and then
    ends there.
    """
    body = b""
    with suppress(httpx.TransportError, OSError):
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_raw())) as reads:
            async for data in reads:
                body += data
                if len(body) >= ERROR_BODY_LIMIT:
                    break
    await response.aclose()
    response.stream = _Kept(body)
    response.is_stream_consumed = False
    response.is_closed = False
    return body


class _Kept(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
