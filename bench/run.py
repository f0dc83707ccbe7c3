"""The whole benchmark: start everything, run the rounds, print the report, end everything.

`python -m bench [--quick] [--program PATH]`. Exit status 1 when something could not be measured at all.
"""

import argparse
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

from bench import figures, hard, report
from bench.bodies import write_body
from bench.candidates import CWPROXY, DIRECT, NAIVE, Setting, candidates, scratch, start_seconds
from bench.process import ChildFailed, Cores, raise_file_limit
from bench.scenarios import Bench, scenarios


def say(text: str) -> None:
    """A line of progress, apart from the report."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def hard_conditions(bench: Bench, setting: Setting, huge_body: Path, *, quick: bool) -> list[figures.Figure]:
    """The conditions below the table of performance.md 7, each with its figure."""
    times = 3 if quick else 5
    body = str(huge_body)
    baseline = hard.stall_seconds(bench, body, DIRECT, 1)
    say(f"without a proxy, a 10 MB request holds up the benchmark itself for {report.number(baseline)} s")
    stall = hard.stall_seconds(bench, body, CWPROXY, times)
    closed = hard.close_seconds(bench)
    helped = hard.help_seconds(setting.program, setting.cores.proxy, 2 * times + 1)
    # The first paced load begins when cwproxy has rested for some seconds after the thousand streams.
    after_streams = hard.resident_ratio(bench, bench.seen["paced", CWPROXY][0].resident_before)
    after_all = hard.resident_ratio(bench, hard.resident_at_rest(bench))
    lost, whole = figures.lost_replies(bench), figures.finished_of_1000(bench)
    return [
        figures.Figure("H1", "failed, short or unfinished replies, all loads", lost, 0),
        figures.Figure("H2", "of 1 000 open streams ended whole", whole, 1000, at_least=True),
        figures.Figure("H3", "client left to backend connection closed", closed, 1, unit=" s"),
        figures.Figure("H4", "resident memory after 1 000 streams over before", after_streams, 1.1),
        figures.Figure("", "the same after all loads, 10 MB requests too", after_all, 1.1),
        figures.Figure("H5", "longest stall beside a 10 MB request", stall, 0.05, unit=" s"),
        figures.Figure("H6", "cwproxy --help", helped, 0.2, unit=" s"),
    ]


def measure(setting: Setting, *, quick: bool) -> None:
    """Run everything and print the report."""
    rounds, capacity_rounds = (2, 1) if quick else (5, 3)
    large, huge = (
        write_body(setting.folder / f"{name}.json", size) for name, size in (("large", 1_100_000), ("huge", 10_900_000))
    )
    loads = scenarios(quick=quick, large_body=large)
    starts: defaultdict[str, list[float]] = defaultdict(list)
    capacities: defaultdict[str, list[float]] = defaultdict(list)
    with setting.backend() as backend, candidates(setting, backend) as servers:
        bench = Bench(backend.port, servers, setting.cores.load)
        bench.check()
        capacity = hard.Capacity(bench, 1.2 if quick else 2.0)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            bench.round(loads)
            starts[NAIVE].append(start_seconds(setting.naive(backend.port)))
            starts[CWPROXY].append(start_seconds(setting.cwproxy(backend.port)))
            if number < capacity_rounds:
                for name in (NAIVE, CWPROXY):
                    last = capacities[name][-1] if capacities[name] else 0
                    capacities[name].append(capacity.find(name, int(last) or None))
        say("hard conditions")
        conditions = hard_conditions(bench, setting, huge, quick=quick)
    print(report.figure_table(figures.figures(bench, starts, capacities)), end="\n\n")
    print(report.figure_table(conditions), end="\n\n")
    print(report.absolute_table(bench), end="\n\n")
    for name in (NAIVE, CWPROXY):
        print(
            f"{name}: starts in {report.number(figures.median(starts[name]))} s, "
            f"carries {report.number(figures.median(capacities[name]))} streams"
        )
    print(report.complaints(bench))


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure cwproxy beside a naive proxy and nginx."
    )
    parser.add_argument("--quick", action="store_true", help="about two minutes in place of eight")
    parser.add_argument(
        "--program",
        default=str(Path(sys.executable).parent / "cwproxy"),
        help="the cwproxy to measure (default: the one beside this Python)",
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    cores = Cores.choose()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"proxies on core {cores.proxy}, backend and load on core {cores.load}; load average {load}", flush=True)
    began = time.monotonic()
    try:
        with scratch() as folder:
            setting = Setting(str(Path(arguments.program).resolve()), folder, cores, raise_file_limit())
            measure(setting, quick=arguments.quick)
    except ChildFailed as error:
        sys.exit(f"cannot measure: {error}")
    print(f"took {time.monotonic() - began:.0f} s")
