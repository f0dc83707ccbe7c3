"""Ways to call the API of a test: in the process through httpx, or as a bare ASGI call whose client one plays."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp, Message, Scope
from tests.support import leaks
from tests.support.waiting import SECONDS

HELLO = [{"role": "user", "content": "hi"}]


def in_process(app: ASGIApp, **options: Any) -> httpx.AsyncClient:
    """A client whose every request has the Host header `localhost`; `options` are httpx.AsyncClient's."""
    transport = httpx.ASGITransport(leaks.Watched(app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", **options)


def assert_envelope(body: bytes) -> dict[str, Any]:
    """The error in a body of OpenAI's shape."""
    error: dict[str, Any] = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def chat(**members: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "m", "messages": HELLO, **members}


@dataclass(slots=True)
class Caller:
    """Plays an ASGI client: `inbox` is what the application receives, `sent` what it has sent.

    unwritable: `send` raises OSError; hold: `send` waits for it before every message when there is one.
    """

    inbox: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    sent: list[Message] = field(default_factory=list)
    unwritable: bool = False
    hold: asyncio.Event | None = None
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive(self) -> Message:
        return await self.inbox.get()

    async def send(self, message: Message) -> None:
        if self.unwritable:
            raise OSError("connection lost")
        if self.hold is not None:
            self.holding.set()
            await self.hold.wait()
        async with self.arrived:
            self.sent.append(message)
            self.arrived.notify_all()

    async def until_sent(self, count: int) -> None:
        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(lambda: len(self.sent) >= count), SECONDS)

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "http.disconnect"})

    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def scope(path: str = "/v1/chat/completions", method: str = "POST", **headers: str) -> Scope:
    """An ASGI scope; `headers` by name with underscores for hyphens, `host` and `content_type` have defaults."""
    named = {"host": "localhost", "content_type": "application/json", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
