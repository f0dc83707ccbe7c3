"""The hard conditions: what cwproxy must keep to whatever the others do (performance.md 7), and its capacity."""

import json
import statistics
import subprocess
import time
from dataclasses import dataclass

from bench.candidates import CWPROXY, DIRECT, NAIVE, Candidate, ask
from bench.process import end, resident_kib, spawn
from bench.scenarios import TOKENS_PER_SECOND, Bench, Scenario, paced

P99_LIMIT_US = 5000
LEAVING = 16
_LADDER = [8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 288, 320, 352, 384, 448, 512, 640]
_START = {NAIVE: 64, CWPROXY: 256}


@dataclass
class Capacity:
    """Finds how many paced streams a candidate carries on one core with p99 added below P99_LIMIT_US (F11).

    It starts where the round before ended and climbs the ladder up or down to the last rung that holds.
    """

    bench: Bench
    window: float

    def find(self, name: str, start: int | None = None) -> int:
        """The number of streams; 0 when not even the lowest rung holds."""
        candidate = self.bench.servers[name]
        rung = _LADDER.index(start or _START[name])
        if self._holds(candidate, _LADDER[rung]):
            while rung + 1 < len(_LADDER) and self._holds(candidate, _LADDER[rung + 1]):
                rung += 1
            return _LADDER[rung]
        while rung and not self._holds(candidate, _LADDER[rung - 1]):
            rung -= 1
        return _LADDER[rung - 1] if rung else 0

    def _holds(self, candidate: Candidate, streams: int) -> bool:
        scenario = paced(f"capacity-{streams}", (), streams, self.window, ramp=0.2 + streams / 400)
        seen = self.bench.load(scenario, candidate)
        direct = self.bench.seen[scenario.name, DIRECT]
        if not direct:
            self.bench.load(scenario, self.bench.servers[DIRECT])
        lost = seen.failed + seen.short + seen.unfinished
        asked = streams * TOKENS_PER_SECOND * seen.window_seconds
        added = seen.latency.get("p99", 0.0) - direct[0].latency.get("p99", 0.0)
        return not lost and seen.chunks > 0.98 * asked and added < P99_LIMIT_US


def close_seconds(bench: Bench) -> float:
    """From a client's leaving to the end of the backend's connection: the slowest of LEAVING; 60 when one stays."""
    scenario = Scenario("leave", (), LEAVING, 500, 20_000, mode="leave", seconds=1.0, warm=0.5)
    seen = bench.load(scenario, bench.servers[CWPROXY])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left: list[int] = json.loads(ask(bench.backend_port, "GET", "/__stats"))["left_at_us"]
        if len(left) >= LEAVING:
            return (max(left) - seen.left_at_us) / 1e6
        time.sleep(0.05)
    return 60.0


def stall_seconds(bench: Bench, body: str, name: str, times: int) -> float | None:
    """How long a token of another stream is kept waiting while a large request comes in: the median of `times`.

    None when no large request was answered.
    """
    scenario = Scenario("large-beside-stream", (), 1, 1100, 2000, mode="stall", seconds=1.9, warm=0.3, body=body)
    seen = [bench.load(scenario, bench.servers[name]) for _ in range(times)]
    waits = [one.latency["max"] / 1e6 for one in seen if one.latency and not one.failed]
    return statistics.median(waits) if waits else None


def resident_ratio(bench: Bench, now: int) -> float:
    """Resident memory over that before the first thousand streams."""
    return now / bench.seen["open-1000", CWPROXY][0].resident_before


def resident_at_rest(bench: Bench) -> int:
    """cwproxy's resident KiB, the least of three seconds without load."""
    least = resident_kib(bench.servers[CWPROXY].pid)
    for _ in range(30):
        time.sleep(0.1)
        least = min(least, resident_kib(bench.servers[CWPROXY].pid))
    return least


def help_seconds(program: str, core: int, times: int) -> float:
    """How long `cwproxy --help` takes: the median of `times`."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        process = spawn([program, "--help"], core=core, output=subprocess.DEVNULL)
        try:
            process.wait(30)
        finally:
            end(process)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
