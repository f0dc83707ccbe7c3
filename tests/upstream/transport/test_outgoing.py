"""What a request looks like on the wire."""

from collections.abc import AsyncIterator

import httpx
import pytest

from cwproxy.upstream.transport import outgoing

pytestmark = pytest.mark.anyio


def test_the_head() -> None:
    request = httpx.Request("POST", "http://x.example:8080/a%20b?c=d", headers={"X-A": "b"}, content=b"ok")
    assert outgoing.head(request, target=request.url.raw_path, extra=((b"X-More", b"m"),)) == (
        b"POST /a%20b?c=d HTTP/1.1\r\nHost: x.example:8080\r\nX-A: b\r\nContent-Length: 2\r\nX-More: m\r\n\r\n"
    )


@pytest.mark.parametrize(
    "header", [("x-a", "b\r\nx-injected: 1"), ("x-a", "b\nc"), ("x-a", "b\rc"), ("x-a", "b\0c"), ("x\r\nb", "c")]
)
def test_no_line_ends_early(header: tuple[str, str]) -> None:
    request = httpx.Request("GET", "http://x", headers=[header])
    with pytest.raises(httpx.LocalProtocolError):
        outgoing.head(request, target=b"/")


async def test_bodies_are_framed_as_the_headers_say() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"o"
        yield b"k"

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    assert await outgoing.body(httpx.Request("POST", "http://x", content=b"ok")) == b"ok"
    assert await outgoing.body(httpx.Request("GET", "http://x")) == b""
    assert await outgoing.body(httpx.Request("POST", "http://x", content=parts())) == b"2\r\nok\r\n0\r\n\r\n"
    assert await outgoing.body(httpx.Request("POST", "http://x", content=nothing())) == b"0\r\n\r\n"
