"""Serve an application with uvicorn: bind, tell the port, stop without cutting answers short (reliability.md A.3).

uvicorn runs lifespan shutdown only when all connections are gone, so open streams learn of the end from the signal.
"""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from cwproxy.api.drain import Drain
from cwproxy.api.tidying import Tidying
from cwproxy.errors import SettingsError

BEFORE_END = 2.0
"""Seconds before the end of `drain` at which open streams are told."""

HURRY = 1.0
"""Seconds that it takes at most after a second SIGINT."""

_KEEP_ALIVE = 75
"""Longer than clients keep idle connections, so that it is they who close."""

_GC_THRESHOLDS = (10_000, 20, 50)

_OPEN_FILES = 65_536


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """For `asyncio.Runner`: uvloop's event loop where it is installed, else the standard one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    drain: float,
    on_ready: Callable[[int], None],
    on_drain: Callable[[int], None] = lambda _: None,
) -> None:
    """Runs until SIGTERM or SIGINT; a second SIGINT ends open answers, and a third does not wait for that. Port 0 takes
    a free one.

    on_ready: called with the real port when connections are accepted. on_drain: called with the number of answers that
    are open when the end begins.
    drain: seconds that open answers get to finish; 2 s before the end they are told, inside the stream.
    Raises SettingsError when the address cannot be bound.
    """
    _open_many_files()
    listener = _bind(host, port)
    config = uvicorn.Config(
        app,
        http=protocol_class(),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(drain)),
        backlog=2048,
    )
    server = _Server(
        config, app.state.drain, drain, ready=lambda: on_ready(listener.getsockname()[1]), draining=on_drain
    )
    with contextlib.closing(listener):
        await server.serve(sockets=[listener])


def protocol_class(*, fast: bool = True) -> type[asyncio.Protocol]:
    """uvicorn's httptools protocol, or h11's where httptools is not installed (or not wanted), with our limits."""
    if fast:
        with contextlib.suppress(ImportError):
            from cwproxy.api.protocol_httptools import GuardedHttpTools

            return GuardedHttpTools
    from cwproxy.api.protocol_h11 import GuardedH11

    return GuardedH11


class _Server(uvicorn.Server):
    """Tells `state` of the end, `ready` of the beginning, and `draining` how many answers the end has to wait for."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: Drain,
        seconds: float,
        *,
        ready: Callable[[], None],
        draining: Callable[[int], None],
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._hurried = False
        self._state = state
        self._seconds = seconds
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tidying = Tidying()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            gc.freeze()  # without collecting first: what imports leave is a thousand objects, and looking takes 50 ms
            gc.set_threshold(*_GC_THRESHOLDS)
            gc.enable()
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        state = self.server_state
        self._tidying.tick(len(state.tasks), state.total_requests, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self._state.draining:
            self._state.begin()
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._plan_cut)
        super().handle_exit(sig, frame)
        if self.force_exit and not self._hurried and self._loop is not None:
            # Open answers are told, as they are when the time is over, and that takes a moment.
            self._hurried = True
            self.force_exit = False
            self._loop.call_soon_threadsafe(self._hurry)

    def _plan_cut(self) -> None:
        self._draining(self._state.open)
        asyncio.get_running_loop().call_later(max(0.0, self._seconds - BEFORE_END), self._state.cut)

    def _hurry(self) -> None:
        self._state.cut()
        asyncio.get_running_loop().call_later(HURRY, setattr, self, "force_exit", True)


def _open_many_files() -> None:
    """Every stream takes two, and the usual soft limit of 1 024 is there for programs that use `select`."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS says that it has no limit and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another port or address."
        ) from error
    # Connections inherit it. The standard event loop would leave it off: `create_server` does not say that it is TCP.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
