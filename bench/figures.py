"""From what was seen to the figures of merit: ratios of each round, and their medians."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench.candidates import CWPROXY, DIRECT, NAIVE, NGINX
from bench.load import Seen
from bench.scenarios import Bench

Metric = Callable[[Seen], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `measured` is None when this machine could not measure it."""

    name: str
    definition: str
    measured: float | None
    must: float
    target: float | None = None
    at_least: bool = False
    unit: str = ""

    @property
    def verdict(self) -> str:
        """Whether the `must` is kept."""
        if self.measured is None:
            return "not measured"
        kept = self.measured >= self.must if self.at_least else self.measured <= self.must
        return "ok" if kept else "over"


def cpu_per_chunk(seen: Seen) -> float:
    """Microseconds."""
    return seen.cpu_seconds * 1e6 / seen.chunks if seen.chunks else math.nan


def cpu_per_request(seen: Seen) -> float:
    """Microseconds."""
    return seen.cpu_seconds * 1e6 / seen.requests if seen.requests else math.nan


def chunks_per_second(seen: Seen) -> float:
    return seen.chunks / seen.window_seconds


def first_chunk(seen: Seen) -> float:
    """Microseconds, p50."""
    return seen.first_chunk.get("p50", math.nan)


def latency(seen: Seen) -> float:
    """Microseconds, p50."""
    return seen.latency.get("p50", math.nan)


def kib_per_stream(seen: Seen) -> float:
    opened = seen.open_in_window
    return (seen.resident_in_window - seen.resident_before) / opened if opened else math.nan


def median(values: list[float]) -> float | None:
    """The median of those that are numbers."""
    numbers = [value for value in values if not math.isnan(value)]
    return statistics.median(numbers) if numbers else None


def ratio(bench: Bench, scenario: str, metric: Metric, other: str) -> float | None:
    """cwproxy's metric over another candidate's: the median of the rounds' ratios."""
    pairs = zip(bench.seen[scenario, CWPROXY], bench.seen[scenario, other], strict=False)
    return median([metric(ours) / (metric(theirs) or math.nan) for ours, theirs in pairs])


def added_latency_ratio(bench: Bench) -> float | None:
    """cwproxy's added latency over nginx's; added is: more than without a proxy in the same round."""
    rounds = zip(*(bench.seen["paced", name] for name in (CWPROXY, NGINX, DIRECT)), strict=False)
    return median([(latency(ours) - latency(base)) / (latency(relay) - latency(base)) for ours, relay, base in rounds])


def figures(bench: Bench, starts: dict[str, list[float]], capacities: dict[str, list[float]]) -> list[Figure]:
    """F1 to F11 (performance.md 7)."""

    def of(values: dict[str, list[float]]) -> float | None:
        pairs = zip(values[CWPROXY], values[NAIVE], strict=False)
        return median([ours / (theirs or math.nan) for ours, theirs in pairs])

    per_chunk, per_request = cpu_per_chunk, cpu_per_request
    burst_speed = ratio(bench, "burst", chunks_per_second, NAIVE)
    return [
        Figure("F1", "burst, 64: CPU/chunk over nginx", ratio(bench, "burst", per_chunk, NGINX), 20, 13),
        Figure("F2", "burst, 64: chunks/s over naive", burst_speed, 8, 14, at_least=True),
        Figure("F3", "64 x 50/s: CPU/chunk over nginx", ratio(bench, "paced", per_chunk, NGINX), 3, 2.2),
        Figure("F4", "64 x 50/s: CPU/chunk over naive", ratio(bench, "paced", per_chunk, NAIVE), 0.60, 0.42),
        Figure("F5", "64 x 50/s: p50 added latency over nginx", added_latency_ratio(bench), 2.5, 1.8),
        Figure(
            "F6", "one frame, 16: CPU/request over naive", ratio(bench, "one-frame", per_request, NAIVE), 0.35, 0.20
        ),
        Figure(
            "F7", "one client: first chunk p50 over naive", ratio(bench, "one-client", first_chunk, NAIVE), 0.65, 0.4
        ),
        Figure(
            "F8", "1.1 MB, 50 tools: CPU/request over naive", ratio(bench, "large-body", per_request, NAIVE), 0.5, 0.35
        ),
        Figure("F9", "1 000 open: KiB/stream over nginx", ratio(bench, "open-1000", kib_per_stream, NGINX), 4, 2.5),
        Figure("F10", "start to first answer over naive", of(starts), 1.3, 1.0),
        Figure("F11", "streams with p99 added < 5 ms over naive", of(capacities), 2, 3, at_least=True),
    ]


def lost_replies(bench: Bench) -> int:
    """cwproxy's failed, short and unfinished replies of the whole run."""
    seen = [one for (_, name), runs in bench.seen.items() if name == CWPROXY for one in runs]
    return sum(one.failed + one.short + one.unfinished for one in seen)


def finished_of_1000(bench: Bench) -> int:
    """How many of 1 000 streams ended whole, in the worst round."""
    return min((one.replies for one in bench.seen["open-1000", CWPROXY]), default=0)
