"""The outermost layer, pure ASGI: an exchange for every request, one log line at its end, no trailing slashes."""

from starlette.types import ASGIApp, Receive, Scope, Send

from cwproxy.api.exchange import begin
from cwproxy.api.load import Load


class Gate:
    """It does not look at what passes through it, so it costs nothing per chunk."""

    def __init__(self, app: ASGIApp, load: Load) -> None:
        self._app = app
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = begin(scope)
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        try:
            with self._load.request():
                await self._app(scope, receive, send)
        finally:
            if exchange.release is not None:
                exchange.release()
            if not exchange.status:
                exchange.status, exchange.outcome = 500, "internal_error"
            exchange.log()
