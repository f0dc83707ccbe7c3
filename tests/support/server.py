"""An application served on a free port of the loopback interface, in the loop of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from cwproxy.api.server import protocol_class


@asynccontextmanager
async def run_server(app: ASGIApp, *, fast: bool = True, **options: Any) -> AsyncIterator[str]:
    """Yields the base URL. `fast` takes the httptools protocol, else h11; `options` are uvicorn's."""
    config = uvicorn.Config(
        app,
        http=protocol_class(fast=fast),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = _Quiet(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
