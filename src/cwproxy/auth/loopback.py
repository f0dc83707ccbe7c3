"""A page on this machine that a browser is sent back to, with the code of a login (RFC 8252 7.3).

It answers one path on one port of 127.0.0.1, only by that name, and only the login that it waits for.
"""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from cwproxy.errors import LoginFailed

PATH = "/oauth/callback"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>cwproxy</title></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""
_DONE = "You are logged in at the service", "Go back to the terminal; this page can be closed."
_REFUSED = "The login was not completed", "The terminal says why; this page can be closed."
_FOREIGN = "Not this login", "This page belongs to a login that cwproxy is not waiting for."


class Callback:
    """redirect_uri: where the browser is to be sent."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self.redirect_uri = f"http://{server.name}{PATH}"

    async def code(self, *, within: float) -> str:
        """The code, which may have come already. Raises LoginFailed when the service sent none, or after `within`
        seconds.
        """
        try:
            async with asyncio.timeout(within):
                outcome, text = await self._server.arrived
        except TimeoutError:
            raise LoginFailed(
                f"Nobody logged in within {within / 60:.0f} minutes. Run `cwproxy login` to try again."
            ) from None
        if outcome == "code":
            return text
        if text == "access_denied":
            raise LoginFailed("The login was denied in the browser. Run `cwproxy login` to try again.")
        raise LoginFailed(f"The login service sent the browser back without a login ({text}).")


@asynccontextmanager
async def listening(state: str) -> AsyncIterator[Callback]:
    """A callback for the login of that `state` on a free port, until the context is left. Raises LoginFailed where
    none can be opened.
    """
    try:
        server = _Server(asyncio.get_running_loop(), state)
    except OSError as error:
        raise LoginFailed(
            f"No port of 127.0.0.1 can be listened on ({error.strerror}). Run `cwproxy login` without `--browser`."
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Callback(server)
    finally:
        await asyncio.to_thread(server.end)
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def __init__(self, loop: asyncio.AbstractEventLoop, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.name = f"127.0.0.1:{self.server_address[1]}"
        self.state = state
        self.arrived: asyncio.Future[tuple[Literal["code", "error"], str]] = loop.create_future()
        self._loop = loop

    def end(self) -> None:
        self.shutdown()
        self.server_close()

    def settle(self, outcome: Literal["code", "error"], text: str) -> None:
        def put() -> None:
            if not self.arrived.done():
                self.arrived.set_result((outcome, text))

        self._loop.call_soon_threadsafe(put)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no event; the traceback would hold what it sent."""


class _Exchange(BaseHTTPRequestHandler):
    server: _Server
    server_version = "cwproxy"
    sys_version = ""
    timeout = 5.0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("host") != self.server.name:
            return self._page(HTTPStatus.MISDIRECTED_REQUEST, _FOREIGN)
        if parts.path != PATH:
            return self._page(HTTPStatus.NOT_FOUND, _FOREIGN)
        query = parse_qs(parts.query)
        state, code, error = (query.get(name, [""])[0] for name in ("state", "code", "error"))
        if not secrets.compare_digest(state.encode(), self.server.state.encode()):
            return self._page(HTTPStatus.BAD_REQUEST, _FOREIGN)
        if code:
            self._page(HTTPStatus.OK, _DONE)
            return self.server.settle("code", code)
        self._page(HTTPStatus.OK, _REFUSED)
        printable = "".join(letter for letter in error if letter.isprintable())[:80]
        return self.server.settle("error", printable or "no reason was given")

    def log_message(self, format: str, *arguments: object) -> None:
        """The request line holds the code."""

    def _page(self, status: HTTPStatus, words: tuple[str, str]) -> None:
        body = _PAGE.format(title=words[0], text=words[1]).encode()
        self.send_response(status)
        for name, value in (
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", str(len(body))),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
