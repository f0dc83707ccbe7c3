"""The outermost layer: no trailing slashes, one log line whatever happens."""

import logging

import pytest
from starlette.types import Message, Receive, Scope, Send
from tests.support.api_client import Caller, scope

from cwproxy.api.exchange import exchange_of
from cwproxy.api.gate import Gate
from cwproxy.api.load import Load

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("asked", "seen"), [("/v1/models/", "/v1/models"), ("/x//", "/x"), ("/", "/"), ("//", "/"), ("/x", "/x")]
)
async def test_trailing_slashes_do_not_matter(asked: str, seen: str) -> None:
    paths: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        exchange_of(scope).status = 200

    caller = Caller()
    await Gate(app, Load(requests=1, body_bytes=1))(scope(asked), caller.receive, caller.send)
    assert paths == [seen]


async def test_a_failure_without_a_status_is_logged_as_one(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    caller = Caller()
    with caplog.at_level(logging.INFO, logger="cwproxy.access"), pytest.raises(ZeroDivisionError):
        await Gate(app, Load(requests=1, body_bytes=1))(scope(), caller.receive, caller.send)
    assert '"status": 500' in caplog.text
    assert '"outcome": "internal_error"' in caplog.text


async def test_the_servers_own_messages_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    await Gate(app, Load(requests=1, body_bytes=1))({"type": "lifespan"}, receive, Caller().send)
    assert seen == ["lifespan"]


async def test_what_the_exchange_holds_is_released_whatever_happens() -> None:
    released: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).release = lambda: released.append("once")
        raise ZeroDivisionError

    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        await Gate(app, Load(requests=1, body_bytes=1))(scope(), caller.receive, caller.send)
    assert released == ["once"]
