"""Bearer tokens: put on every request, renewed once when the service does not accept one."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, suppress
from typing import Protocol, cast

import httpx
import msgspec

from cwproxy.codewhisperer import failures
from cwproxy.errors import BackendUnavailable, CredentialRejected

ERROR_BODY_LIMIT = 64 * 1024
"""Bytes of an error body that are looked at (reliability.md 3A 23)."""


class Replacement(msgspec.Struct, frozen=True):
    """What to try instead of a token that was not accepted. again: seconds until it can be renewed, where this refusal
    has not brought a renewal; None where nothing more can be done, so that a second refusal is the login's end.
    """

    token: str
    again: float | None = None


class TokenSource(Protocol):
    """Where access tokens come from. Both methods raise LoginRequired, or BackendUnavailable when there is no valid
    token and none can be had now.
    """

    async def token(self) -> str:
        """A token that is good for at least some seconds."""
        ...

    async def renew(self, stale: str) -> Replacement:
        """A token in place of `stale`, which was not accepted. May be the same one, where it was renewed just now."""
        ...


class Bearer(httpx.Auth):
    """Asynchronous only. The answer to the last attempt is handed on with its body unread or readable again.

    The flow raises BackendUnavailable where a token was refused twice that could not be renewed in between: only a
    refusal that outlives a renewal says something of the login (reliability.md 1.2, backend-rules.md A6 77).
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._source.token()
        request.headers["authorization"] = f"Bearer {token}"
        response = yield request
        if await rejected(response):
            # Also when it stays the same: the refusal has been seen to vanish by itself (backend-rules.md A6 77).
            replacement = await self._source.renew(token)
            request.headers["authorization"] = f"Bearer {replacement.token}"
            response = yield request
            if replacement.again is not None and await rejected(response):
                raise BackendUnavailable(
                    "The backend has refused a login that was renewed just now.",
                    reason="login_refused",
                    retry_after=replacement.again,
                )

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise TypeError("Bearer works with httpx.AsyncClient only")


async def rejected(response: httpx.Response) -> bool:
    """Whether the service did not accept the credential: it says so with 403, rarely 401 (backend-rules.md A6 76).
    `response` can be read again afterwards.
    """
    if response.status_code not in (401, 403):
        return False
    if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
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
