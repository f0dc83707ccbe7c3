"""uvicorn's fast HTTP protocol with our limits, without upgrades. Importing this needs httptools."""

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cwproxy.api.guard import Guarded
from cwproxy.api.line import ABORT


class GuardedHttpTools(Guarded, HttpToolsProtocol):
    """Gives the application `cwproxy.abort` (see `line.ABORT`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = True

    def data_received(self, data: bytes) -> None:
        for piece in self._guard.pieces(data) if self._in_head else (data,):
            if self._in_head and not self._guard.takes_head(len(piece)):
                return
            self._unset_keepalive_if_required()
            try:
                self._read(piece)
            except httptools.HttpParserError:
                self.logger.warning("Invalid HTTP request received.")
                self.send_400_response("Invalid HTTP request received.")
                return

    def _read(self, data: bytes) -> None:
        """Upgrades are declined by reading the request as if it had not offered one: the parser takes what follows
        an offer for another protocol, and the body would be lost. Java's HTTP client offers h2c with every request.
        """
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                (end,) = upgrade.args
                data = self._head_without_offer() + data[end:]

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _offers_upgrade(self) -> bool:
        # CONNECT is always one, and is refused for its target.
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"call": self.transport.abort}}

    def on_headers_complete(self) -> None:
        if self._offers_upgrade():
            return
        self._in_head = False
        self._guard.has_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._offers_upgrade():
            return
        self._in_head = True
        super().on_message_complete()
        if self.cycle.response_complete:
            self._guard.has_head()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and self.cycle.response_complete:
            self._guard.awaits_head()
