"""`cwproxy simulate`."""

import asyncio
import os
import signal

from cwproxy.errors import SettingsError
from cwproxy.simulator import SimulatorOptions, SimulatorServer
from cwproxy.simulator.options import Profile
from cwproxy.simulator.rules import RULES

PROFILES: dict[str, Profile] = {"legacy-q": "legacy-q", "kiro-runtime": "kiro-runtime"}


async def simulate(*, port: int, profile: str, auto_approve: bool, pace: float, opt_rules: str) -> None:
    """Serve until a signal. Loopback only: it gives tokens to whoever asks."""
    if profile != "auto" and profile not in PROFILES:
        raise SettingsError(f"There is no profile {profile!r}; choose auto, {' or '.join(PROFILES)}.")
    options = SimulatorOptions(
        profile=PROFILES.get(profile, "auto"),
        pace=pace,
        auto_approve=0 if auto_approve else None,
        opt_rules=_rules(opt_rules),
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Event loops on Windows have no handlers of their own.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    server = SimulatorServer(options)
    try:
        chosen = await server.start("127.0.0.1", port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"Port {port} cannot be used ({why}); choose another with --port.") from error
    print(
        f"simulator ready on http://127.0.0.1:{chosen}\n"
        f"set CWPROXY_ENDPOINT=http://127.0.0.1:{chosen} for every command of cwproxy (a login does not remember it); "
        "the control plane is /__control/",
        flush=True,
    )
    try:
        await stopped.wait()
    finally:
        await server.stop()


def _rules(text: str) -> frozenset[int]:
    optional = frozenset(number for number, rule in RULES.items() if rule.level == "opt")
    if text.strip() == "all":
        return optional
    try:
        numbers = frozenset(int(item) for item in text.split(",") if item.strip())
    except ValueError:
        raise SettingsError("--opt-rules takes numbers separated by commas, or `all`.") from None
    unknown = numbers - optional
    if unknown:
        raise SettingsError(f"Not optional rules: {', '.join(map(str, sorted(unknown)))}.")
    return numbers
