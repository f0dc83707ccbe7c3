"""Read a JSON body within limits; nothing of it is kept when it is too long (reliability.md A.1, 3E 108, 109, 118)."""

import asyncio

from starlette.requests import Request
from starlette.types import Receive

from cwproxy.api.limits import Limits
from cwproxy.api.load import Space
from cwproxy.api.refused import ClientGone, Refused

JOINED_ELSEWHERE = 2 * 1024 * 1024
"""Bytes. Fresh memory for a large body may take tens of milliseconds, and joining lets go of the interpreter then."""

_CLOSE = (("connection", "close"), ("x-should-retry", "false"))


async def read(request: Request, limits: Limits, space: Space) -> bytes:
    """The body, for which room is taken from `space`. Raises Refused (408, 413, 415, 503) and ClientGone."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(
            415,
            "The body must be JSON; send `content-type: application/json`.",
            "unsupported_media_type",
            headers=_CLOSE,
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "Compressed bodies are not read; send it as it is.", "unsupported_encoding", headers=_CLOSE)
    length = request.headers.get("content-length", "")
    if length and "transfer-encoding" in request.headers:
        raise Refused(400, "A body has a length or is chunked, not both.", "invalid_framing", headers=_CLOSE)
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limits.body_bytes):
        raise _too_large(limits)
    try:
        return await _collect(request.receive, limits, space)
    except TimeoutError as error:
        raise Refused(408, "The body took too long to arrive.", "request_timeout", headers=_CLOSE) from error


async def _collect(receive: Receive, limits: Limits, space: Space) -> bytes:
    now = asyncio.get_running_loop().time
    end = now() + limits.body_total
    pieces: list[bytes] = []
    size = 0
    async with asyncio.timeout(limits.body_gap) as patience:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            size += len(piece)
            if size > limits.body_bytes:
                raise _too_large(limits)
            space.take(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces) if size < JOINED_ELSEWHERE else await asyncio.to_thread(b"".join, pieces)
            patience.reschedule(min(end, now() + limits.body_gap))


def _too_large(limits: Limits) -> Refused:
    return Refused(
        413,
        f"The body is larger than {limits.body_bytes} bytes; send less history or smaller pictures.",
        "request_too_large",
        type="request_too_large",
        headers=_CLOSE,
    )
