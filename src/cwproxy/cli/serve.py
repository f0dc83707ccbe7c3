"""`cwproxy serve`."""

import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

from cwproxy.api.server import serve as serve_app
from cwproxy.cli.running import configure_logging
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import SettingsError
from cwproxy.settings import Settings
from cwproxy.wiring import open_server


async def serve(settings: Settings, *, with_simulator: bool) -> None:
    """Serve until a signal. Says on standard output where, once the port is open.

    SIGINT, SIGTERM and SIGHUP end it well; a second SIGINT ends open answers at once and raises KeyboardInterrupt.
    """
    configure_logging(settings.log_level)
    # Before it serves, SIGTERM does what SIGINT does: the stack below is left in order.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    _end_with_the_terminal()
    async with AsyncExitStack() as stack:
        directory: Path | None = None
        if with_simulator:
            settings, directory = await stack.enter_async_context(simulated(settings))
        server = await stack.enter_async_context(open_server(settings, directory))
        readiness = await server.service.readiness()
        if not readiness.ready:
            print(f"warning: {readiness.detail}", file=sys.stderr)
        for warning in server.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        with _outlived_signals() as serving:

            def ready(port: int) -> None:
                serving()
                name = f"[{settings.host}]" if ":" in settings.host else settings.host
                print(f"cwproxy ready on http://{name}:{port}", flush=True)

            def draining(answers: int) -> None:
                if answers:
                    print(
                        f"waiting for {answers} open answer{'s' if answers > 1 else ''}, up to {settings.drain:g} s; "
                        "Ctrl-C again to stop now",
                        file=sys.stderr,
                        flush=True,
                    )

            await serve_app(
                server.application,
                host=settings.host,
                port=settings.port,
                drain=settings.drain,
                on_ready=ready,
                on_drain=draining,
            )


def _end_with_the_terminal() -> None:
    """A closed terminal ends it well, too: a renewal that is cut off costs the login. `nohup` is respected."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


@contextmanager
def _outlived_signals() -> Iterator[Callable[[], None]]:
    """uvicorn raises the signals that ended it once more when it is done; what is open here must not die of them.

    The result is to be called when uvicorn serves. Two signals, one of them SIGINT, become KeyboardInterrupt.
    """
    raised: list[int] = []
    serves = False

    def serving() -> None:
        nonlocal serves
        serves = True

    def receive(number: int, frame: FrameType | None) -> None:
        before = originals[number]
        if serves:
            raised.append(number)
        elif callable(before):
            before(number, frame)

    originals = {int(number): signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield serving
    finally:
        for number, original in originals.items():
            signal.signal(number, original)
    if len(raised) > 1 and signal.SIGINT in raised:
        # It would log the cancelling of what it has left behind, with a traceback.
        logging.getLogger("uvicorn.error").disabled = True
        raise KeyboardInterrupt


@asynccontextmanager
async def simulated(settings: Settings) -> AsyncIterator[tuple[Settings, Path]]:
    """A simulator, a throw-away directory with a login at it, and the settings that lead there.

    Raises SettingsError where the settings want something else than a simulator.
    """
    from cwproxy.cli.login import Wanted, log_in_quietly
    from cwproxy.simulator import SimulatorOptions, SimulatorServer

    if settings.endpoint is not None:
        raise SettingsError("--simulator brings its own endpoint; leave --endpoint and CWPROXY_ENDPOINT out.")
    if settings.surface is Surface.Q_IAM:
        raise SettingsError(
            "--simulator logs in with tokens, and q-iam takes AWS credentials: run `cwproxy simulate`, make keys with "
            '`curl -X POST $CWPROXY_ENDPOINT/__control/accounts -d \'{"kind": "iam"}\'`, and set AWS_ACCESS_KEY_ID, '
            "AWS_SECRET_ACCESS_KEY and CWPROXY_ENDPOINT for `cwproxy login iam` and `cwproxy serve`."
        )
    simulator = SimulatorServer(SimulatorOptions(pace=0.02, auto_approve=0))
    port = await simulator.start("127.0.0.1", 0)
    try:
        with tempfile.TemporaryDirectory(prefix="cwproxy-") as name:
            elsewhere = {"profile_arn": None, "upstream_proxy": None, "ca_bundle": None, "providers": ()}
            inside = settings.model_copy(update={"endpoint": f"http://127.0.0.1:{port}", **elsewhere})
            directory = Path(name) / "data"
            await log_in_quietly(inside, Wanted.fitting(settings.surface), directory)
            print(f"simulator ready on http://127.0.0.1:{port}", file=sys.stderr)
            yield inside, directory
    finally:
        await simulator.stop()
