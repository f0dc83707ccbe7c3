"""The short way of the requests that ask a model: the same answers as by the router, and nothing else takes it."""

import pytest
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send
from tests.support.api_client import Caller, scope

from cwproxy.api.lane import Lane
from cwproxy.api.refused import ClientGone
from cwproxy.errors import CwproxyError, InvalidRequest

pytestmark = pytest.mark.anyio


async def router(_: Scope, receive: Receive, send: Send) -> None:
    await Response("by the router")(scope(), receive, send)


async def body_of(asked: Scope, outcome: Response | Exception) -> bytes:
    async def endpoint(request: Request) -> Response:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def on_error(request: Request, error: CwproxyError | ClientGone) -> Response:
        return Response(f"{request.url.path}: {type(error).__name__}")

    caller = Caller()
    await Lane(router, {"/v1/ask": endpoint}, on_error)(asked, caller.receive, caller.send)
    return b"".join(message.get("body", b"") for message in caller.sent)


async def test_a_post_to_one_of_its_paths_takes_it() -> None:
    assert await body_of(scope("/v1/ask"), Response("straight")) == b"straight"


@pytest.mark.parametrize(("path", "method"), [("/v1/ask", "GET"), ("/v1/ask", "OPTIONS"), ("/v1/other", "POST")])
async def test_everything_else_is_the_routers(path: str, method: str) -> None:
    assert await body_of({**scope(path), "method": method}, Response("straight")) == b"by the router"


async def test_the_servers_own_messages_pass() -> None:
    assert await body_of({"type": "lifespan"}, Response("straight")) == b"by the router"


@pytest.mark.parametrize("error", [InvalidRequest("No."), ClientGone()])
async def test_expected_errors_are_told(error: Exception) -> None:
    assert await body_of(scope("/v1/ask"), error) == f"/v1/ask: {type(error).__name__}".encode()


async def test_a_defect_goes_up() -> None:
    with pytest.raises(ZeroDivisionError):
        await body_of(scope("/v1/ask"), ZeroDivisionError())
