"""An application served on a free port of the loopback interface, in the loop of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp
from tests.support import leaks

from cwproxy.api.server import protocol_class


@asynccontextmanager
async def run_server(app: ASGIApp, *, protocol: type[asyncio.Protocol] | None = None) -> AsyncIterator[str]:
    """Yields the base URL. `protocol` is one of uvicorn's HTTP protocols or a subclass, by default the fast one."""
    config = uvicorn.Config(
        leaks.Watched(app),
        http=protocol or protocol_class(),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
