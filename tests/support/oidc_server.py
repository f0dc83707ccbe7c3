"""A small OIDC service on loopback: device flow, rotating refresh tokens with reuse detection, scripted failures.

It answers as boto3 expects it, errors with the header `x-amzn-ErrorType`; `send_error_type` takes that away.
"""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

Json: TypeAlias = dict[str, object]

STATUS = {"invalid_client": 401, "server_error": 500, "access_denied": 400}
ERROR_TYPES = {
    "authorization_pending": "AuthorizationPendingException",
    "slow_down": "SlowDownException",
    "expired_token": "ExpiredTokenException",
    "access_denied": "AccessDeniedException",
    "invalid_grant": "InvalidGrantException",
    "invalid_client": "InvalidClientException",
    "invalid_request": "InvalidRequestException",
    "server_error": "InternalServerException",
}


@dataclass(frozen=True)
class Answer:
    """A scripted answer. body: JSON or raw bytes. effect: what the service does before it answers. hang_up: close
    the connection instead of answering.
    """

    status: int = 200
    body: Json | bytes = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    effect: Callable[[], None] | None = None
    rotate: bool = False
    hang_up: bool = False


def error(code: str, description: str = "no") -> Answer:
    return Answer(
        STATUS.get(code, 400),
        {"error": code, "error_description": description},
        {"x-amzn-ErrorType": ERROR_TYPES.get(code, code)},
    )


class OidcServer:
    """`script` answers come first, one per call of `/token`; after them the service behaves.

    forgiving: take the last spent refresh token once more as long as nobody has used its successor, for whoever lost
    the answer; otherwise a token that comes twice ends the login.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.headers: list[dict[str, str]] = []
        self.script: deque[Answer] = deque()
        self.start_script: deque[Answer] = deque()
        self.register_script: deque[Answer] = deque()
        self.token_members: Json = {"expiresIn": 3600}
        self.send_error_type = True
        self.gate: threading.Event | None = None
        self.arrived = threading.Event()
        self.current = "refresh-0"
        self.spent: set[str] = set()
        self.revoked = False
        self.forgiving = False
        self._last_spent = ""
        self._number = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def hold(self) -> Callable[[], None]:
        """Let calls of `/token` wait until the answer is called. `arrived` is set when one has come."""
        self.arrived.clear()
        self.gate = gate = threading.Event()

        def release() -> None:
            self.gate = None
            gate.set()

        return release

    def close(self) -> None:
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self, path: str, grant_type: str | None = None) -> int:
        return sum(
            called.endswith(path) and (grant_type is None or body.get("grantType") == grant_type)
            for called, body in self.calls
        )

    @property
    def refreshes(self) -> int:
        return self.count("/token", "refresh_token")

    def answer(self, path: str, body: Json, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.calls.append((path, body))
            self.headers.append(headers)
        self.arrived.set()
        if path.endswith("/client/register"):
            return self._next(self.register_script) or Answer(body=self._registration())
        if path.endswith("/device_authorization"):
            return self._next(self.start_script) or Answer(body=self._device())
        if self.gate is not None:
            self.gate.wait(60)
        with self._lock:
            scripted = self._next(self.script)
            if scripted is None:
                return self._token(body)
            if scripted.effect is not None:
                scripted.effect()
            if scripted.rotate:
                self._token(body)
            return scripted

    def _next(self, script: deque[Answer]) -> Answer | None:
        return script.popleft() if script else None

    def _registration(self) -> Json:
        number = self.count("/client/register")
        return {
            "clientId": f"client-{number}",
            "clientSecret": f"canary-client-secret-{number}",
            "clientIdIssuedAt": 1,
            "clientSecretExpiresAt": 4_000_000_000,
        }

    def _device(self) -> Json:
        page = "https://device.example/"
        return {
            "deviceCode": "canary-device-code",
            "userCode": "ABCD-EFGH",
            "verificationUri": page,
            "verificationUriComplete": f"{page}?user_code=ABCD-EFGH",
            "expiresIn": 600,
            "interval": 5,
        }

    def _token(self, body: Json) -> Answer:
        if body.get("grantType") == "refresh_token":
            sent = str(body.get("refreshToken"))
            again = self.forgiving and sent == self._last_spent
            if sent in self.spent and not again:
                self.revoked = True
            if self.revoked or (sent != self.current and not again):
                return error("invalid_grant", "Invalid refresh token provided")
            self.spent.add(sent)
            self._last_spent = sent
        self._number += 1
        self.current = f"canary-refresh-{self._number}"
        members: Json = {
            "accessToken": f"canary-access-{self._number}",
            "refreshToken": self.current,
            "tokenType": "Bearer",
            **self.token_members,
        }
        return Answer(body={key: value for key, value in members.items() if value is not None})


@contextmanager
def oidc_server() -> Iterator[OidcServer]:
    server = OidcServer()
    try:
        yield server
    finally:
        server.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: OidcServer

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a caller that was killed
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        sent = self.rfile.read(length)
        if len(sent) < length:
            return  # a caller that was killed
        body = json.loads(sent)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.service.answer(self.path, body, headers)
        if answer.hang_up:
            self.close_connection = True
            return
        payload = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if self.server.service.send_error_type or name.lower() != "x-amzn-errortype":
                self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the caller may have lost patience
            self.wfile.write(payload)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass
