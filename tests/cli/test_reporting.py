"""What a running server says, with the key of an operator."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr

from cwproxy.cli.reporting import reported
from cwproxy.settings import Settings, load

pytestmark = pytest.mark.anyio


class Answering(BaseHTTPRequestHandler):
    status, body, seen = 200, b"", ""

    def do_GET(self) -> None:
        type(self).seen = f"{self.path} {self.headers['authorization']}"
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings_for(server: HTTPServer) -> Settings:
    return load({"port": server.server_port, "admin_key": SecretStr("cwp_canary-admin")})


async def test_the_account_is_found(server: HTTPServer) -> None:
    Answering.status = 200
    Answering.body = json.dumps({"accounts": [{"id": "one"}, {"id": "two", "requests": 5}]}).encode()
    assert (await reported(settings_for(server), "two")).members == {"id": "two", "requests": 5}
    assert Answering.seen == "/admin/accounts Bearer cwp_canary-admin"
    assert "does not know" in (await reported(settings_for(server), "three")).why


@pytest.mark.parametrize(("status", "body"), [(401, b"{}"), (200, b"nonsense"), (200, b"[]"), (200, b"{}")])
async def test_no_report(server: HTTPServer, status: int, body: bytes) -> None:
    Answering.status, Answering.body = status, body
    report = await reported(settings_for(server), "one")
    assert report.members is None
    assert "/admin/accounts" in report.why
    assert "canary" not in report.why


async def test_nobody_listens_and_no_key() -> None:
    assert "no server" in (await reported(load({"port": 9, "admin_key": SecretStr("x")}), "one")).why
    assert "CWPROXY_ADMIN_KEY" in (await reported(load(), "one")).why
