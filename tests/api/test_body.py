"""Limits of a request's body (reliability.md 3E 108, 109, 112, 118)."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive
from tests.support.api_client import scope
from tests.support.virtual_time import BACKEND, Backend

from cwproxy.api import body
from cwproxy.api.limits import Limits
from cwproxy.api.load import Load, Space
from cwproxy.api.refused import ClientGone, Refused

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Backend:
    return BACKEND


def space() -> Space:
    return Space(Load(requests=1, body_bytes=10**9))


SMALL = Limits(body_bytes=10, body_gap=0.05, body_total=0.1)


def receiving(*pieces: bytes, end: Message | None = None) -> Receive:
    """The pieces, then `end`; when there is none, nothing for ever."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if end is not None:
        messages.append(end)

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


END: Message = {"type": "http.request"}


async def status(receive: Receive, **headers: str) -> int:
    with pytest.raises(Refused) as caught:
        await body.read(Request(scope(**headers), receive), SMALL, space())
    assert dict(caught.value.failure.headers)["connection"] == "close"
    return caught.value.failure.status


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
async def test_pieces_are_joined(media_type: str) -> None:
    request = Request(
        scope(content_type=media_type, content_encoding="identity"), receiving(b"12345", b"67890", end=END)
    )
    assert await body.read(request, SMALL, space()) == b"1234567890"


async def test_the_pieces_of_a_large_body_too() -> None:
    pieces = [bytes([letter]) * 1_000_000 for letter in b"abc"]
    request = Request(scope(), receiving(*pieces, end=END))
    assert await body.read(request, Limits(body_bytes=3_000_000), space()) == b"".join(pieces)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "json"])
async def test_only_json(media_type: str) -> None:
    assert await status(receiving(end=END), content_type=media_type) == 415


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
async def test_nothing_compressed(encoding: str) -> None:
    assert await status(receiving(end=END), content_encoding=encoding) == 415


@pytest.mark.parametrize("length", ["11", "10000000000", "9" * 5000])
async def test_a_length_over_the_limit_is_refused_unread(length: str) -> None:
    async def unread() -> Message:
        raise AssertionError("the body was read")

    assert await status(unread, content_length=length) == 413


async def test_a_chunked_body_is_refused_where_it_gets_too_long() -> None:
    assert await status(receiving(b"12345", b"67890", b"!")) == 413


async def test_a_length_and_chunks_at_once_are_refused() -> None:
    assert await status(receiving(end=END), content_length="3", transfer_encoding="chunked") == 400


async def test_a_body_that_stops_times_out() -> None:
    assert await status(receiving(b"1"), content_length="5") == 408


async def test_a_body_that_drips_times_out() -> None:
    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"", "more_body": True}

    assert await status(drip) == 408


async def test_a_client_that_leaves_is_gone() -> None:
    with pytest.raises(ClientGone):
        await body.read(Request(scope(), receiving(b"1", end={"type": "http.disconnect"})), SMALL, space())
