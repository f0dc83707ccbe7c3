"""The loads, and one round of each over its candidates."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.candidates import CWPROXY, DIRECT, NAIVE, NGINX, Candidate, ask
from bench.client import Mode, Plan
from bench.load import DRAIN_SECONDS, Seen
from bench.process import ChildFailed, end, spawn

TOKENS_PER_SECOND = 50
_INTERVAL_US = 1_000_000 // TOKENS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load. The shape is that of the backend's answers; `rounds` bounds how often it is run."""

    name: str
    over: tuple[str, ...]
    connections: int
    frames: int
    interval_us: int = 0
    mode: Mode = "closed"
    seconds: float = 2.0
    warm: float = 0.4
    ramp: float = 0.0
    body: str = ""
    rounds: int = 99


def paced(name: str, over: tuple[str, ...], connections: int, window: float, ramp: float) -> Scenario:
    """Streams of TOKENS_PER_SECOND, all of them open in the whole window."""
    warm = ramp + 0.4
    seconds = warm + window
    frames = int((seconds + 0.2) * TOKENS_PER_SECOND)
    return Scenario(name, over, connections, frames, _INTERVAL_US, mode="once", seconds=seconds, warm=warm, ramp=ramp)


def scenarios(*, quick: bool, large_body: Path) -> list[Scenario]:
    """The loads of one round (performance.md 7)."""
    window = 1.0 if quick else 2.0
    return [
        Scenario("burst", (NGINX, NAIVE, CWPROXY), 64, 200, seconds=0.5 + window, warm=0.5),
        Scenario(
            "open-1000",
            (NGINX, CWPROXY),
            1000,
            frames=6,
            interval_us=1_000_000,
            mode="once",
            seconds=4.5,
            warm=3.5,
            ramp=2.5,
            rounds=1,  # a second time, memory that was kept would be used again
        ),
        paced("paced", (DIRECT, NGINX, NAIVE, CWPROXY), 64, 2 * window, 0.4),
        Scenario("one-frame", (NAIVE, CWPROXY), 16, 1, seconds=0.3 + window, warm=0.3),
        Scenario("one-client", (NAIVE, CWPROXY), 1, 200, seconds=0.2 + window, warm=0.2),
        Scenario("large-body", (NAIVE, CWPROXY), 4, 1, seconds=0.3 + 1.5 * window, warm=0.3, body=str(large_body)),
    ]


@dataclass
class Bench:
    """The servers of a run, and everything that was seen of them so far."""

    backend_port: int
    servers: dict[str, Candidate]
    load_core: int
    seen: defaultdict[tuple[str, str], list[Seen]] = field(default_factory=lambda: defaultdict(list))

    def load(self, scenario: Scenario, candidate: Candidate) -> Seen:
        """Run `scenario` once against `candidate`, in a process of its own, and keep what was seen."""
        shape = f"/__shape?frames={scenario.frames}&interval_us={scenario.interval_us}"
        ask(self.backend_port, "POST", shape)
        plan = Plan(
            port=candidate.port,
            mode=scenario.mode,
            connections=scenario.connections,
            seconds=scenario.seconds,
            warm=scenario.warm,
            ramp=scenario.ramp,
            frames=scenario.frames,
            stamped=scenario.interval_us > 0,
            sse=candidate.sse,
            pid=candidate.pid,
            body=scenario.body,
        )
        seen = _run_load(plan, self.load_core)
        self.seen[scenario.name, candidate.name].append(seen)
        return seen

    def check(self) -> None:
        """One answer from each candidate; ChildFailed when one has none to give."""
        for candidate in self.servers.values():
            seen = self.load(Scenario("check", (), 1, 3, seconds=0.3, warm=0.0), candidate)
            if not seen.replies:
                raise ChildFailed(f"{candidate.name} does not answer: {seen.first_error}")

    def round(self, loads: Iterable[Scenario]) -> None:
        """Every load over each of its candidates, one after the other."""
        for scenario in loads:
            for name in scenario.over:
                if name in self.servers and len(self.seen[scenario.name, name]) < scenario.rounds:
                    self.load(scenario, self.servers[name])


def _run_load(plan: Plan, core: int) -> Seen:
    text = msgspec.json.encode(plan).decode()
    process = spawn([sys.executable, "-m", "bench.load", text], core=core)
    try:
        output, _ = process.communicate(timeout=plan.seconds + DRAIN_SECONDS + 30)
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"the load program did not end: {text}") from error
    finally:
        end(process)
    if process.returncode:
        raise ChildFailed(f"the load program failed with {process.returncode}: {text}")
    return msgspec.json.decode(output, type=Seen)
