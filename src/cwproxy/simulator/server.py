"""The simulator on a port, in the running event loop.

uvicorn's HTTP protocol is used without uvicorn's server: no signal handlers, no lifespan, no logging, and the
connection's transport within the application's reach.
"""

import asyncio
import ssl
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from cwproxy.simulator.app import application
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.delivery import reset
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.simulation import Simulation


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {"transport": transport}


class _Hole(asyncio.Protocol):
    """A peer that accepts and never reads."""

    def __init__(self, fallen: set[asyncio.Transport]) -> None:
        self._fallen = fallen

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.pause_reading()
        self._fallen.add(transport)


class SimulatorServer:
    """`start` and `stop` belong to one event loop. `simulation` may be looked at and changed from that loop."""

    def __init__(self, options: SimulatorOptions | None = None, *, clock: Clock | None = None) -> None:
        self.simulation = Simulation(options or SimulatorOptions(), clock or Clock())
        self.simulation.connections = lambda: len(self._state.connections)
        self.simulation.mute = self._mute
        self.simulation.swallow = self._swallow
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._address = ("127.0.0.1", 0)
        self._deaf: asyncio.Task[None] | None = None
        self._hole: asyncio.TimerHandle | None = None
        self._fallen: set[asyncio.Transport] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and say on which port; 0 lets the system choose. `tls`: speak https. Raises OSError if it cannot."""
        self._tls = tls
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
        self._release()
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
            lambda: _Hole(self._fallen) if self._hole else _Protocol(self._config, self._state, {}, loop),
            host,
            port,
            reuse_address=True,
            ssl=self._tls,
        )
        return self._server

    def _mute(self, seconds: float) -> None:
        """Refuse new connections for that long; those that are open stay."""
        if self._server is not None:
            self._server.close()
        self._deaf = asyncio.get_running_loop().create_task(self._listen_again(seconds))

    def _swallow(self, seconds: float) -> None:
        """Never read from new connections for that long."""
        self._release()
        self._hole = asyncio.get_running_loop().call_later(seconds, self._release)

    def _release(self) -> None:
        if self._hole is not None:
            self._hole.cancel()
            self._hole = None
        for transport in self._fallen:
            reset(transport)
        self._fallen.clear()

    async def _listen_again(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()
