"""Bytes in, one answer out, however the bytes are cut."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.upstream.transport.incoming import BARREN_LIMIT, HEADER_LIMIT, Incoming

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def fed(*reads: bytes, head_only: bool = False, closed: bool = False) -> Incoming:
    incoming = Incoming(head_only=head_only)
    for data in reads:
        incoming.feed(data)
    if closed:
        incoming.close()
    return incoming


def body(incoming: Incoming) -> bytes:
    return b"".join(incoming.pieces)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes, bool]:
    """The bytes of an answer, its body, and whether only the end of the connection ends it."""
    informational = b"".join(draw(st.lists(st.just(b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n"), max_size=3)))
    parts = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    content = b"".join(parts)
    match draw(st.sampled_from(["sized", "chunked", "closed"])):
        case "sized":
            wire = b"Content-Length: %d\r\n\r\n" % len(content) + content
        case "chunked":
            extension = draw(st.sampled_from([b"", b";a", b';name="value"']))
            trailers = draw(st.sampled_from([b"", b"X-Trailer: t\r\n"]))
            wire = b"Transfer-Encoding: chunked\r\n\r\n"
            wire += b"".join(b"%X%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
            wire += b"0\r\n" + trailers + b"\r\n"
        case _:
            return informational + b"HTTP/1.1 200 OK\r\n\r\n" + content, content, True
    return informational + b"HTTP/1.1 200 OK\r\n" + wire, content, False


@given(answer=answers(), cuts=st.lists(st.integers(0, 400)))
def test_every_cut_gives_the_same(answer: tuple[bytes, bytes, bool], cuts: list[int]) -> None:
    wire, content, until_close = answer
    places = sorted({cut for cut in cuts if 0 < cut < len(wire)})
    reads = [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]
    incoming = fed(*reads, closed=until_close)
    assert (incoming.status, body(incoming)) == (200, content)
    assert incoming.ended and incoming.failure is None
    assert incoming.reusable is not until_close


@given(answer=answers(), at=st.floats(0, 1))
def test_no_cut_answer_is_whole(answer: tuple[bytes, bytes, bool], at: float) -> None:
    wire, _, until_close = answer
    end = wire.index(b"200 OK") if until_close else len(wire)
    incoming = fed(wire[: int(at * (end - 1))], closed=True)
    assert not incoming.ended
    assert incoming.failure is not None


@given(st.binary(max_size=300))
def test_garbage_never_raises(data: bytes) -> None:
    incoming = fed(data, SIZED, b"ok", closed=True)
    assert incoming.ended or incoming.failure is not None


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 099 Early\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        CHUNKED + b"not-hexadecimal\r\n",
        CHUNKED + b"fffffffffffffffff\r\n",
        CHUNKED + b"1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * HEADER_LIMIT + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: some\r\n" * (BARREN_LIMIT // 10) + b"\r\n",
    ],
)
def test_what_is_no_answer_fails_at_once(wire: bytes) -> None:
    incoming = fed(wire)
    assert incoming.failure is not None
    assert not incoming.ended


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Big: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: some\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED + b"1;", b"extension"),
        (CHUNKED + b"0\r\n", b"X-Trailer: some\r\n"),
    ],
)
def test_what_never_comes_to_a_body_has_a_limit(start: bytes, more: bytes) -> None:
    incoming = fed(start)
    for _ in range(BARREN_LIMIT // 1_000 + 2):
        incoming.feed(more * (1_000 // len(more) + 1))
    assert incoming.failure is not None


def test_what_was_good_before_the_fault_is_kept() -> None:
    incoming = fed(CHUNKED + b"3\r\none\r\nnot-hexadecimal\r\n")
    assert body(incoming) == b"one"
    assert incoming.failure is not None


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_statuses_without_a_body(status: bytes) -> None:
    assert fed(b"HTTP/1.1 " + status + b"\r\n\r\n").ended
    incoming = fed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
    assert (incoming.ended, incoming.reusable, incoming.pieces) == (True, True, [])


def test_answers_to_head_have_no_body() -> None:
    incoming = fed(SIZED, b"ok", head_only=True)
    assert (incoming.ended, incoming.reusable, incoming.pieces) == (True, False, [])
    assert incoming.headers == [(b"Content-Length", b"2")]


@pytest.mark.parametrize(
    ("wire", "reusable"),
    [
        (SIZED + b"ok", True),
        (SIZED + b"ok" + SIZED, False),
        (SIZED + b"okay", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nokay", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\nHTTP/1.1", False),
    ],
)
def test_which_connections_can_be_used_again(wire: bytes, reusable: bool) -> None:
    incoming = fed(wire)
    assert (incoming.ended, incoming.reusable, body(incoming)) == (True, reusable, b"ok")


def test_what_comes_after_the_end_spoils_the_connection_not_the_answer() -> None:
    incoming = fed(SIZED + b"ok", b"x", closed=True)
    assert (incoming.ended, incoming.reusable, incoming.failure) == (True, False, None)


def test_headers_of_informational_answers_and_trailers_are_not_the_answers() -> None:
    incoming = fed(b"HTTP/1.1 103 Early\r\nX-A: 1\r\n\r\n" + CHUNKED + b"0\r\nX-B: 2\r\n\r\n")
    assert incoming.headers == [(b"Transfer-Encoding", b"chunked")]


def test_empty_headers_keep_their_names() -> None:
    assert fed(b"HTTP/1.1 200 OK\r\nX-A:\r\nX-B: b\r\n\r\n").headers == [(b"X-A", b""), (b"X-B", b"b")]


def test_nothing_is_left_to_the_garbage_collector() -> None:
    gc.disable()
    foreign = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"
    try:
        for wire, closed in ((SIZED + b"ok", False), (CHUNKED + b"x", False), (foreign, False), (SIZED, True)):
            incoming = fed(wire, closed=closed)
            seen = weakref.ref(incoming)
            del incoming
            assert seen() is None
    finally:
        gc.enable()
