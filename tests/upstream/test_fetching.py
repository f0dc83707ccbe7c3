"""A link is followed only to a public address, at exactly that address, and only as far as it goes straight."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest

from cwproxy.errors import InvalidRequest
from cwproxy.upstream.fetching import MAX_BYTES, Fetcher

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.215.14"
PLACE = "messages[0].content[0].image_url.url"


class Elsewhere:
    """A network in which every name has the given addresses and every address answers alike."""

    def __init__(self, answer: httpx.Response | Exception | None = None, addresses: Sequence[str] = (PUBLIC,)) -> None:
        self._answer = answer or httpx.Response(200, content=b"picture")
        self._addresses = addresses
        self.asked: list[str] = []
        self.requests: list[httpx.Request] = []
        self.fetcher = Fetcher(resolve=self._resolve, transport=httpx.MockTransport(self._handle))

    async def _resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self._addresses

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def refusal(fetcher: Fetcher, url: str = "https://example.com/cat.png") -> str:
    with pytest.raises(InvalidRequest) as caught:
        await fetcher.fetch(url, PLACE)
    assert (caught.value.param, caught.value.code) == (PLACE, "invalid_image_url")
    return caught.value.message


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    there = Elsewhere(addresses=(PUBLIC, "2606:4700:4700::1111"))
    assert await there.fetcher.fetch("https://Example.com:443/a%20b.png?x=1#frag", PLACE) == b"picture"
    assert there.asked == ["example.com"]
    (request,) = there.requests
    assert str(request.url) == f"https://{PUBLIC}/a%20b.png?x=1"
    assert request.extensions["sni_hostname"] == "example.com"
    assert dict(request.headers) == {"host": "example.com", "accept": "image/*", "accept-encoding": "identity"}


async def test_an_address_of_the_sixth_version_is_connected_to() -> None:
    there = Elsewhere(addresses=("2606:4700:4700::1111",))
    await there.fetcher.fetch("https://example.com/", PLACE)
    assert there.requests[0].url.host == "2606:4700:4700::1111"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/cat.png",
        "ftp://example.com/cat.png",
        "https://example.com:8443/cat.png",
        "https://user:password@example.com/cat.png",
        "https:///cat.png",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 9_000,
        "https://[::1/",
    ],
)
async def test_other_urls_are_not_even_resolved(url: str) -> None:
    there = Elsewhere()
    message = await refusal(there.fetcher, url)
    assert there.asked == [] and "password@" not in message


@pytest.mark.parametrize(
    "addresses",
    [
        (),
        ("127.0.0.1",),
        ("169.254.169.254",),
        (PUBLIC, "10.0.0.1"),
        ("::ffff:169.254.169.254",),
        ("64:ff9b::a9fe:a9fe",),
        ("2002:a9fe:a9fe::",),
        ("224.0.0.1",),
    ],
)
async def test_one_address_that_is_not_public_is_enough(addresses: Sequence[str]) -> None:
    there = Elsewhere(addresses=addresses)
    assert "does not lead to a public address" in await refusal(there.fetcher)
    assert there.requests == []


@pytest.mark.parametrize(
    "host", ["a" * 70 + ".com", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "[::1]", "①②⑦.⓪.⓪.①"]
)
async def test_no_spelling_of_this_machine_is_public_and_no_name_is_too_odd(host: str) -> None:
    there = Elsewhere()
    real = Fetcher(transport=httpx.MockTransport(there._handle))
    await refusal(real, f"https://{host}/")
    assert there.requests == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(302, headers={"location": "https://169.254.169.254/"}), "redirects are not followed"),
        (httpx.Response(404), "HTTP 404"),
        (httpx.Response(200, headers={"content-encoding": "br"}, stream=httpx.ByteStream(b"x")), "compressed"),
        (httpx.Response(200, content=bytes(MAX_BYTES + 1)), "more than 5242880 bytes"),
        (httpx.ConnectError("refused"), "cannot be fetched"),
        (httpx.ReadTimeout("silence"), "cannot be fetched"),
    ],
)
async def test_what_does_not_go_straight_is_refused(answer: httpx.Response | Exception, words: str) -> None:
    assert words in await refusal(Elsewhere(answer).fetcher)


async def test_the_limit_itself_is_fetched() -> None:
    there = Elsewhere(httpx.Response(200, content=bytes(MAX_BYTES)))
    assert len(await there.fetcher.fetch("https://example.com/", PLACE)) == MAX_BYTES


class Drip(httpx.AsyncByteStream):
    """A byte now and then: never silent for long, never done."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)


async def _never(_: str) -> Sequence[str]:
    await asyncio.Event().wait()
    raise AssertionError


async def _at_once(_: str) -> Sequence[str]:
    return (PUBLIC,)


@pytest.mark.parametrize("resolve", [_never, _at_once])
async def test_the_clock_on_the_wall_ends_it(resolve: Callable[..., object]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
    slow = Fetcher(resolve=resolve, transport=transport, within=0.05)  # type: ignore[arg-type]
    assert "took longer than" in await refusal(slow)


async def _no_such_name(_: str) -> Sequence[str]:
    raise OSError("no such name")


async def test_a_name_that_does_not_exist_is_refused() -> None:
    assert "cannot be fetched" in await refusal(Fetcher(resolve=_no_such_name))


class Diverted(httpx.AsyncBaseTransport):
    """The real transport, sent to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._real = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await self._real.handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        )


async def test_the_name_goes_into_the_tls_handshake() -> None:
    hello = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.set_result(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "cannot be fetched" in await refusal(Fetcher(resolve=_at_once, transport=Diverted(port)))
        assert b"example.com" in await hello
