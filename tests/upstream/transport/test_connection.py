"""What an event loop's calls become, called by hand."""

import asyncio

from cwproxy.upstream.transport.connection import Connection, Origin


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.aborted = 0

    def abort(self) -> None:
        self.aborted += 1


class Listening:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def received(self, data: bytes) -> None:
        self.heard.append(data)

    def lost(self, error: Exception | None) -> None:
        self.heard.append(("lost", error))

    def writable(self) -> None:
        self.heard.append("writable")


def connection() -> tuple[Connection, Wire, list[Connection]]:
    closed: list[Connection] = []
    made, wire = Connection(Origin(True, "x", 443), closed.append), Wire()
    made.connection_made(wire)
    return made, wire, closed


def test_it_passes_on_what_it_hears() -> None:
    made, wire, closed = connection()
    made.listener = listener = Listening()
    made.data_received(b"a")
    made.pause_writing()
    assert made.congested
    made.resume_writing()
    assert not made.congested
    error = ConnectionResetError()
    made.connection_lost(error)
    assert listener.heard == [b"a", "writable", ("lost", error)]
    assert (made.closed, closed, wire.aborted) == (True, [made], 0)


def test_the_end_is_told_once() -> None:
    made, wire, closed = connection()
    made.listener = listener = Listening()
    made.eof_received()
    assert (listener.heard, wire.aborted, closed) == ([("lost", None)], 1, [])
    made.connection_lost(None)
    assert (listener.heard, closed) == ([("lost", None)], [made])


def test_while_it_is_idle_anything_ends_it() -> None:
    for data in (b"a", b""):
        made, wire, _ = connection()
        made.pause_writing()
        made.resume_writing()
        if data:
            made.data_received(data)
        else:
            made.eof_received()
        made.close()
        assert (made.closed, wire.aborted) == (True, 1)


def test_closing_needs_no_socket() -> None:
    made = Connection(Origin(True, "x", 443), lambda _: None)
    made.close()
    assert made.closed


def test_authorities() -> None:
    assert Origin(True, "x.example", 443).authority == "x.example:443"
    assert Origin(False, "::1", 80).authority == "[::1]:80"
