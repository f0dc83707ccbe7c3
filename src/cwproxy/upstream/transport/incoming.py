"""One answer of HTTP/1.1, from its bytes. Pure: no socket, no loop, no clock.

httptools (the C parser of Node.js, strict as it comes) knows the grammar; what it leaves to its user is here: limits,
informational answers, bodies that end with the connection, and what comes after the end.
"""

from typing import Final

import httptools

HEADER_LIMIT: Final = 16 * 1024
"""Bytes of one header."""

BARREN_LIMIT: Final = 64 * 1024
"""Bytes of all headers; also those that may come without a byte of the body among them (extensions, trailers)."""


class Malformed(Exception):
    """The bytes are no answer of HTTP/1.1, or stop before its end."""


class Incoming:
    """Call `feed` for each read and `close` at the end of the input, then look at the attributes.

    status, headers: of the answer, once `begun`; 1xx has been passed over. pieces: of the body; whoever takes them
    clears the list. ended: the answer is whole. failure: it is broken; the pieces before are good. reusable: once
    ended, whether the connection can take another request. touched: any byte came.
    """

    def __init__(self, *, head_only: bool = False) -> None:
        """head_only: no body follows whatever the headers say (answers to HEAD and CONNECT)."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.begun = False
        self.ended = False
        self.reusable = False
        self.touched = False
        self.failure: Malformed | None = None
        self._head_only = head_only
        self._until_close = False
        self._barren = 0
        self.on_body = self.pieces.append
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:  # it is over; what comes now belongs to nothing
            self.reusable = False
            return
        self.touched = True
        self._barren += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._spoilt(error)
        except httptools.HttpParserUpgrade:
            self._spoilt(Malformed("it changes the protocol"))
        else:
            if self.pieces:
                self._barren = 0
            elif self._barren > BARREN_LIMIT:
                self._spoilt(Malformed("it has too long headers"))
        if self.ended or self.failure is not None:
            self._let_go()

    def close(self) -> None:
        """The end of the input."""
        self._let_go()
        if self._until_close:
            self.ended = True
        elif not self.ended and self.failure is None:
            self.failure = Malformed("it stops before its end")

    def _let_go(self) -> None:
        """Parser and callbacks are a cycle, which the garbage collector would find late."""
        self._parser = None
        if self._head_only:
            self.pieces.clear()

    def _spoilt(self, error: Exception) -> None:
        if self.ended:
            self.reusable = False
            return
        own = error if isinstance(error, Malformed) else error.__context__
        # A new one: what was raised holds its traceback, and through it everything here.
        self.failure = Malformed(str(own if isinstance(own, Malformed) else error))

    # What httptools calls; an exception ends its work, and comes out as the context of its own.

    def on_message_begin(self) -> None:
        if self.ended:
            raise Malformed("there is more behind its end")

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value)
        if size > HEADER_LIMIT:
            raise Malformed("it has a too long header")
        if not self.begun:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None  # noqa: S101 - for the type
        self.status = parser.get_status_code()
        if self.status < 200:
            if self.status < 100:
                raise Malformed(f"it has the status {self.status}")
            self.headers.clear()
            return
        if sum(len(name) + len(value) for name, value in self.headers) > BARREN_LIMIT:
            raise Malformed("it has too long headers")
        self._until_close = self._has_no_length()
        self.begun = True
        if self._head_only:
            self.ended = True

    def on_message_complete(self) -> None:
        if self.begun and not self.ended:
            self.ended = True
            self._until_close = False
            parser = self._parser
            self.reusable = parser is not None and parser.should_keep_alive()

    def _has_no_length(self) -> bool:
        if self.status in (204, 304):
            return False
        lengthless = True
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == b"transfer-encoding" and value.strip().lower() != b"chunked":
                raise Malformed("it has a transfer encoding that was not asked for")
            if lowered in (b"content-length", b"transfer-encoding"):
                lengthless = False
        return lengthless
