"""The transport faults of reliability.md 3A, on real sockets."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.raw_server import LAST_CHUNK, OK_HEAD, Behaviour, chunk, raw_server, reset
from tests.support.waiting import SECONDS, until

from cwproxy.codewhisperer.surfaces import Call
from cwproxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    CredentialRejected,
    CwproxyError,
    InvalidRequest,
    SettingsError,
    Throttled,
)
from cwproxy.upstream import Timeouts, Upstream

pytestmark = pytest.mark.anyio


def patient(*, connect: float = SECONDS, headers: float = SECONDS, silence: float = SECONDS) -> Timeouts:
    return Timeouts(connect=connect, write=SECONDS, headers=headers, silence=silence)


PATIENT, NO_HEADERS, NO_READS = patient(), patient(headers=0.3), patient(silence=0.2)
NOBODY = httpx.Auth()


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    client = Upstream(timeouts=PATIENT)
    yield client
    await client.aclose()


@asynccontextmanager
async def within(timeouts: Timeouts) -> AsyncIterator[Upstream]:
    client = Upstream(timeouts=timeouts)
    yield client
    await client.aclose()


def call(url: str) -> Call:
    return Call("POST", url + "/", {"content-type": "application/x-amz-json-1.0", "user-agent": "test"}, b"{}")


async def collect(upstream: Upstream, url: str) -> list[bytes]:
    async with upstream.stream(call(url), NOBODY) as reads:
        return [data async for data in reads]


async def test_reads_come_as_they_arrive(upstream: Upstream) -> None:
    more = asyncio.Event()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"one"))
        await more.wait()
        writer.write(chunk(b"two") + chunk(b"three") + LAST_CHUNK)

    async with raw_server(behaviour) as server, upstream.stream(call(server.url), NOBODY) as reads:
        assert await anext(reads) == b"one"
        more.set()
        assert b"".join([data async for data in reads]) == b"twothree"
    head = server.requests[0].lower()
    assert b"user-agent: test" in head
    assert b"accept-encoding" not in head.replace(b"accept-encoding: identity", b"")
    assert b"cookie" not in head


async def test_leaving_closes_the_connection(upstream: Upstream) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b"one"))
        await reader.read()

    async with raw_server(behaviour) as server:
        async with upstream.stream(call(server.url), NOBODY) as reads:
            await anext(reads)
        await until(server.closed.is_set)


async def test_connections_are_reused(upstream: Upstream) -> None:
    peers: set[object] = set()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.add(writer.get_extra_info("peername"))
        writer.write(OK_HEAD + chunk(b"x") + LAST_CHUNK)

    async with raw_server(behaviour) as server:
        for _ in range(3):
            assert await collect(upstream, server.url) == [b"x"]
    assert len(peers) == 1


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drips_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in OK_HEAD:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)  # the fault itself: a server that is always just about to answer


async def stops_mid_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD + chunk(b"one"))
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets_before_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def resets_mid_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD + chunk(b"one"))
    await writer.drain()
    reset(writer)


async def ends_mid_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD + b"a\r\nhalf")
    writer.close()


async def breaks_the_chunking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD + chunk(b"one"))
    await writer.drain()
    await asyncio.sleep(0.05)  # the fault strikes in a later read than the headers
    writer.write(b"not-hexadecimal\r\n")
    await reader.read()


async def breaks_the_chunking_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD + chunk(b"one") + b"not-hexadecimal\r\n")
    await reader.read()


async def sends_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    writer.close()


async def sends_a_huge_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 200_000 + b"\r\n\r\n")
    writer.close()


async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")


async def compresses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")


async def shows_a_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML\r\nContent-Length: 6\r\n\r\n<html>")


@pytest.mark.parametrize(
    ("behaviour", "expected", "sentence"),
    [
        (hangs_up, BackendUnavailable, "without an answer"),
        (resets_before_headers, BackendUnavailable, "without an answer|broke off"),
        (resets_mid_stream, BackendUnavailable, "broke off"),
        (ends_mid_chunk, BackendUnavailable, "broke off"),
        (breaks_the_chunking, BackendUnavailable, "broke off"),
        (breaks_the_chunking_at_once, BackendUnavailable, "broke off"),
        (sends_garbage, BackendUnavailable, "broke off"),
        (sends_a_huge_header, BackendUnavailable, "broke off"),
        (redirects, BackendError, "302|redirect"),
        (compresses, BackendUnavailable, "content-encoding 'gzip'"),
        (shows_a_page, BackendUnavailable, "instead of an event stream"),
    ],
)
async def test_faults_become_our_errors(
    upstream: Upstream, behaviour: Behaviour, expected: type[BackendError], sentence: str
) -> None:
    async with raw_server(behaviour) as server:
        with pytest.raises(expected, match=sentence):
            await collect(upstream, server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "timeouts", "sentence"),
    [
        (silent, NO_HEADERS, "sent no answer within 0 s"),
        (silent, NO_READS, "fell silent"),
        (drips_headers, NO_HEADERS, "sent no answer within 0 s"),
        (stops_mid_stream, NO_READS, "fell silent"),
    ],
)
async def test_what_does_not_come_in_time_is_given_up(behaviour: Behaviour, timeouts: Timeouts, sentence: str) -> None:
    async with raw_server(behaviour) as server, within(timeouts) as upstream:
        with pytest.raises(BackendTimeout, match=sentence):
            await collect(upstream, server.url)
        await until(lambda: server.open == 0)
    assert len(server.requests) == 1


async def test_nobody_listens(upstream: Upstream) -> None:
    async with raw_server(silent) as server:
        url = server.url
    with pytest.raises(BackendUnavailable, match="Cannot connect to 127.0.0.1") as caught:
        await collect(upstream, url)
    assert caught.value.reason == "connect_failed"


async def test_no_such_host(upstream: Upstream) -> None:
    with pytest.raises(BackendUnavailable, match="Cannot connect to nowhere.invalid"):
        await collect(upstream, "http://nowhere.invalid:1")


async def test_tls_to_a_plain_port() -> None:
    """Which waits for the end of a line."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...

    async with raw_server(behaviour) as server, within(patient(connect=1.0)) as upstream:
        with pytest.raises(BackendUnavailable):
            await collect(upstream, server.url.replace("http:", "https:"))


async def test_unusable_endpoint(upstream: Upstream) -> None:
    with pytest.raises(SettingsError, match="not a usable http or https URL"):
        await collect(upstream, "ftp://example.com")


async def test_statuses_are_read_by_the_backends_own_rules(upstream: Upstream) -> None:
    bodies = {
        b"403 Forbidden": b'{"message":"The bearer token included in the request is invalid.","reason":null}',
        b"400 Bad Request": b'{"message":"Improperly formed request.","reason":null}',
    }

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, body = bodies.popitem()
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with raw_server(behaviour) as server:
        with pytest.raises(InvalidRequest, match="Improperly formed request"):
            await collect(upstream, server.url)
        with pytest.raises(CredentialRejected):
            await collect(upstream, server.url)


async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 429 Slow Down\r\nContent-Length: 200\r\n\r\n{"mess')
    writer.close()


async def reset_in_a_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 429 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)  # so that the head is read before the fault
    reset(writer)


async def compressed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 429 Slow Down\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b")


async def drips_an_error(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(chunk(b" "))
        await writer.drain()
        await asyncio.sleep(0.05)  # the fault itself: never silent, never done


async def silent_in_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 429 Slow Down\r\nContent-Length: 200\r\n\r\n{")
    await reader.read()


@pytest.mark.parametrize(
    ("behaviour", "timeouts"),
    [
        (cut_short, PATIENT),
        (reset_in_a_chunk, PATIENT),
        (compressed, PATIENT),
        (silent_in_the_body, NO_READS),
        (drips_an_error, patient(headers=1.0)),
    ],
)
async def test_an_error_without_a_readable_body_keeps_its_status(behaviour: Behaviour, timeouts: Timeouts) -> None:
    async with raw_server(behaviour) as server, within(timeouts) as upstream:
        with pytest.raises(Throttled) as caught:
            await collect(upstream, server.url)
    assert caught.value.status == 429


@pytest.mark.parametrize("encoding", [b"", b"IDENTITY"])
async def test_no_encoding_in_many_words(upstream: Upstream, encoding: bytes) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\nContent-Length: 1\r\n\r\nx")

    async with raw_server(behaviour) as server:
        assert await collect(upstream, server.url) == [b"x"]


async def test_error_bodies_are_read_only_so_far(upstream: Upstream) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(chunk(b"x" * 16_384))
                await writer.drain()
        except ConnectionError:
            pass

    async with raw_server(behaviour) as server:
        with pytest.raises(BackendUnavailable):
            await collect(upstream, server.url)


async def test_fetch_gives_the_whole_body(upstream: Upstream) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK_HEAD + chunk(b'{"models":') + chunk(b"[]}") + LAST_CHUNK)

    async with raw_server(behaviour) as server:
        assert await upstream.fetch(call(server.url), NOBODY) == b'{"models":[]}'


async def test_fetch_calls_again_where_a_kept_connection_was_dead(upstream: Upstream) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 2:
            writer.close()
        else:
            writer.write(OK_HEAD + chunk(b"{}") + LAST_CHUNK)

    async with raw_server(behaviour) as server:
        for _ in range(2):
            assert await upstream.fetch(call(server.url), NOBODY) == b"{}"
    assert len(server.requests) == 3


async def test_fetch_does_not_call_again_where_a_new_connection_ended(upstream: Upstream) -> None:
    async with raw_server(hangs_up) as server:
        with pytest.raises(BackendUnavailable, match="without an answer"):
            await upstream.fetch(call(server.url), NOBODY)
    assert len(server.requests) == 1


async def test_a_transport_of_httpx_can_stand_in() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"abc"))
    upstream = Upstream(transport=transport)
    async with upstream.stream(call("http://x"), NOBODY) as reads:
        assert [data async for data in reads] == [b"abc"]
    await upstream.aclose()


async def drips_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK_HEAD)
    while True:
        writer.write(chunk(b" "))
        await writer.drain()
        await asyncio.sleep(0.05)  # the fault itself: never silent, never done


async def test_a_body_that_never_ends_is_given_up() -> None:
    async with raw_server(drips_a_body) as server, within(patient(headers=1.0)) as upstream:
        with pytest.raises(BackendTimeout, match="did not come to the end"):
            await upstream.fetch(call(server.url), NOBODY)


async def test_a_body_that_is_fetched_has_a_limit() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield bytes(1 << 20)

    upstream = Upstream(transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=Endless())))
    with pytest.raises(BackendTimeout, match="did not come to the end"):
        await upstream.fetch(call("http://x"), NOBODY)
    await upstream.aclose()


async def test_no_generator_is_left_to_the_garbage_collector(upstream: Upstream) -> None:
    hooks, left = sys.get_asyncgen_hooks(), list[object]()
    sys.set_asyncgen_hooks(finalizer=left.append)
    try:
        async with raw_server(stops_mid_stream) as server:
            async with upstream.stream(call(server.url), NOBODY) as reads:
                await anext(reads)
            first = asyncio.Event()

            async def read_on() -> None:
                async with upstream.stream(call(server.url), NOBODY) as reads:
                    async for _ in reads:
                        first.set()

            reading = asyncio.ensure_future(read_on())
            await first.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert not left


@pytest.mark.parametrize("url", ["http://a..b", "http://" + "a" * 70 + ".example", "http://xn--"])
async def test_a_host_that_cannot_be_looked_up(upstream: Upstream, url: str) -> None:
    with pytest.raises(SettingsError):
        await collect(upstream, url)


async def test_no_header_is_smuggled_in(upstream: Upstream) -> None:
    async with raw_server(silent) as server:
        for value in ("a\r\nx-injected: 1", "\u00e9"):
            with pytest.raises((SettingsError, ValueError)):
                async with upstream.stream(Call("POST", server.url, {"tokentype": value}, b"{}"), NOBODY):
                    pass
    assert not server.requests


async def test_a_password_in_the_endpoint_is_not_told(upstream: Upstream) -> None:
    with pytest.raises(SettingsError) as caught:
        await collect(upstream, "http://user:secret@[::1")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("head", [b"HTTP/1.1 400 Bad\r\nx-a: b\r\ncontent-length: 2\r\n\r\nno", b""])
async def test_errors_carry_the_exchange_and_do_not_show_it(upstream: Upstream, head: bytes) -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        if not head:
            writer.close()

    async with raw_server(behaviour) as server:
        for act in (collect(upstream, server.url), upstream.fetch(call(server.url), NOBODY)):
            with pytest.raises(CwproxyError) as caught:
                await act
            evidence = caught.value.evidence
            assert evidence is not None
            assert (evidence.url, evidence.sent) == (server.url + "/", b"{}")
            assert (evidence.status, evidence.received) == ((400, b"no") if head else (None, b""))
            assert evidence.headers.get("x-a") == ("b" if head else None)
            assert "{}" not in repr(evidence) and server.url not in repr(evidence)
