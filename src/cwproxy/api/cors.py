"""Cross-origin calls of web pages, for the origins that are configured; without any, this layer is not there.

It only adds headers and answers preflights. Whether an origin may call is for `AccessPolicy` to say, on every route.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cwproxy.api.exchange import exchange_of
from cwproxy.api.refused import elsewhere

_EXPOSED: Final = (
    b"x-request-id, retry-after, x-cwproxy-ignored, x-cwproxy-emulated, x-cwproxy-tool-choice, x-cwproxy-json, "
    b"request-id, x-cwproxy-model, x-cwproxy-usage-source, x-should-retry"
)
_DAY: Final = "86400"


class Cors:
    """Pure ASGI. `origins` are written as browsers write them (`https://chat.example`); `*` stands for all."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = frozenset(map(str.lower, origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(origin, headers, scope)(scope, receive, send)
        elif not self._allows(origin):
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, _Marking(send, origin.encode("latin-1")))

    def _allows(self, origin: str) -> bool:
        return origin.lower() in self._origins or "*" in self._origins

    def _preflight(self, origin: str, headers: Headers, scope: Scope) -> Response:
        if not self._allows(origin):
            failure, exchange = elsewhere().failure, exchange_of(scope)
            exchange.status, exchange.outcome = exchange.envelope.status(failure), failure.code or failure.type
            body = exchange.envelope.body(failure, exchange.request_id)
            return Response(body, exchange.status, media_type="application/json")
        exchange_of(scope).status = 204
        granted = {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, HEAD, POST, DELETE",
            "access-control-max-age": _DAY,
            "vary": "origin",
        }
        wanted = headers.get("access-control-request-headers")
        if wanted is not None:
            granted["access-control-allow-headers"] = wanted
        return Response(status_code=204, headers=granted)


class _Marking:
    """`send` of one answer that a page of `origin` may read."""

    def __init__(self, send: Send, origin: bytes) -> None:
        self._send = send
        self._origin = origin

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            marks = [
                (b"access-control-allow-origin", self._origin),
                (b"access-control-expose-headers", _EXPOSED),
                (b"vary", b"origin"),
            ]
            message = {**message, "headers": [*message.get("headers", ()), *marks]}
        await self._send(message)
