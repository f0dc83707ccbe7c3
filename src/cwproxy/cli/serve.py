"""`cwproxy serve`."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cwproxy.api.server import serve as serve_app
from cwproxy.cli.login import Wanted, log_in_quietly
from cwproxy.cli.running import configure_logging
from cwproxy.errors import SettingsError
from cwproxy.settings import Settings, data_directory
from cwproxy.wiring import create_application, open_service


async def serve(settings: Settings, *, with_simulator: bool) -> None:
    """Serve until a signal. Says on standard output where, once the port is open."""
    configure_logging(settings.log_level)
    async with AsyncExitStack() as stack:
        directory = data_directory()
        if with_simulator:
            settings, directory = await stack.enter_async_context(simulated(settings))
        service = await stack.enter_async_context(open_service(settings, directory))
        readiness = await service.readiness()
        if not readiness.ready:
            print(f"warning: {readiness.detail}", file=sys.stderr)
        await serve_app(
            create_application(settings, service),
            host=settings.host,
            port=settings.port,
            drain=settings.drain,
            on_ready=partial(_say_ready, settings.host),
        )


@asynccontextmanager
async def simulated(settings: Settings) -> AsyncIterator[tuple[Settings, Path]]:
    """A simulator, a throw-away directory with a login at it, and the settings that lead there."""
    from cwproxy.simulator import SimulatorOptions, SimulatorServer

    if settings.endpoint is not None:
        raise SettingsError("--simulator brings its own endpoint; leave --endpoint and CWPROXY_ENDPOINT out.")
    simulator = SimulatorServer(SimulatorOptions(pace=0.02, auto_approve=1))
    port = await simulator.start("127.0.0.1", 0)
    try:
        with tempfile.TemporaryDirectory(prefix="cwproxy-") as name:
            inside = settings.model_copy(update={"endpoint": f"http://127.0.0.1:{port}"})
            directory = Path(name) / "data"
            await log_in_quietly(inside, Wanted.fitting(settings.surface), directory)
            print(f"simulator ready on http://127.0.0.1:{port}", file=sys.stderr)
            yield inside, directory
    finally:
        await simulator.stop()


def _say_ready(host: str, port: int) -> None:
    name = f"[{host}]" if ":" in host else host
    print(f"cwproxy ready on http://{name}:{port}", flush=True)
