"""The simulator on a port, in the running event loop.

uvicorn's HTTP protocol is used without uvicorn's server: no signal handlers, no lifespan, no logging, and the
connection's transport within the application's reach.
"""

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from cwproxy.simulator.app import application
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.simulation import Simulation


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {"transport": transport}


class SimulatorServer:
    """`start` and `stop` belong to one event loop. `simulation` may be looked at and changed from that loop."""

    def __init__(self, options: SimulatorOptions | None = None, *, clock: Clock | None = None) -> None:
        self.simulation = Simulation(options or SimulatorOptions(), clock or Clock())
        self.simulation.connections = lambda: len(self._state.connections)
        self.simulation.mute = self._mute
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._deaf: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and say on which port; 0 lets the system choose. Raises OSError if it cannot."""
        config = Config(
            application(self.simulation),
            log_config=None,
            lifespan="off",
            access_log=False,
            ws="none",
            proxy_headers=False,
        )
        config.load()
        self._config = config
        self._address = (host, port)
        server = await self._listen()
        chosen: int = server.sockets[0].getsockname()[1]
        self._address = (host, chosen)
        return chosen

    async def stop(self) -> None:
        """Stop listening and cut what is still open."""
        if self._deaf is not None:
            self._deaf.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        while self._state.tasks:
            await asyncio.wait(self._state.tasks)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        host, port = self._address
        self._server = await loop.create_server(
            lambda: _Protocol(self._config, self._state, {}, loop), host, port, reuse_address=True
        )
        return self._server

    def _mute(self, seconds: float) -> None:
        """Refuse new connections for that long; those that are open stay."""
        if self._server is not None:
            self._server.close()
        self._deaf = asyncio.get_running_loop().create_task(self._listen_again(seconds))

    async def _listen_again(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()
