"""The way of the requests that ask a model, past the layers that FastAPI puts around every route.

Those layers serve routes with dependencies and validation; these routes have none, and every piece of every stream
would pass through the layers. Whatever is not a POST to one of these paths goes on to the router.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cwproxy.api.refused import ClientGone
from cwproxy.errors import CwproxyError

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
OnError: TypeAlias = Callable[[Request, CwproxyError | ClientGone], Awaitable[Response]]


class Lanes:
    """The endpoints by their paths. Each is a route of the application, too, for what is to be said of its path."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}

    def add(self, app: FastAPI, path: str, endpoint: Endpoint) -> None:
        self.endpoints[path] = endpoint
        app.add_route(path, endpoint, methods=["POST"])


class Lane:
    """The innermost middleware, pure ASGI. on_error: what the client is told of an expected error."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint], on_error: OnError) -> None:
        self._app = app
        self._endpoints = endpoints
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await endpoint(request)
        except (CwproxyError, ClientGone) as error:
            response = await self._on_error(request, error)
        await response(scope, receive, send)
