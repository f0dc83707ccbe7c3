"""The report as text."""

import math
import statistics
from collections.abc import Callable, Iterable

from bench.figures import (
    Figure,
    chunks_per_second,
    cpu_per_chunk,
    cpu_per_request,
    first_chunk,
    kib_per_stream,
    latency,
)
from bench.load import Seen
from bench.scenarios import Bench

_ABSOLUTE: dict[str, list[tuple[str, Callable[[Seen], float]]]] = {
    "burst": [("CPU us/chunk", cpu_per_chunk), ("chunks/s", chunks_per_second)],
    "paced": [
        ("CPU us/chunk", cpu_per_chunk),
        ("p50 us", latency),
        ("p99 us", lambda seen: seen.latency.get("p99", math.nan)),
    ],
    "one-frame": [("CPU us/request", cpu_per_request)],
    "one-client": [("first chunk p50 us", first_chunk)],
    "large-body": [("CPU us/request", cpu_per_request)],
    "open-1000": [("KiB/stream", kib_per_stream)],
}


def number(value: float | None) -> str:
    """Three significant digits, whole numbers as they are."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _line(cells: Iterable[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def table(rows: list[list[str]]) -> str:
    """Rows as columns of text; the first is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def figure_table(figures: list[Figure]) -> str:
    """The figures with what they must be and what is aimed at."""
    rows = [["figure", "definition", "measured", "must", "target", "verdict"]]
    for figure in figures:
        sign = ">= " if figure.at_least else "<= "
        target = "-" if figure.target is None else sign + number(figure.target) + figure.unit
        measured = number(figure.measured) + (figure.unit if figure.measured is not None else "")
        rows.append(
            [figure.name, figure.definition, measured, sign + number(figure.must) + figure.unit, target, figure.verdict]
        )
    return table(rows)


def absolute_table(bench: Bench) -> str:
    """The medians behind the ratios: true for this machine and this hour only."""
    rows = [["load", "of", "rounds", "medians", "load's own CPU"]]
    for (scenario, name), runs in bench.seen.items():
        metrics = _ABSOLUTE.get(scenario)
        if not metrics or not runs:
            continue
        values = [f"{label} {number(statistics.median(metric(run) for run in runs))}" for label, metric in metrics]
        own = statistics.median(run.own_cpu_seconds / run.window_seconds for run in runs)
        rows.append([scenario, name, str(len(runs)), ", ".join(values), f"{own:.0%}"])
    return table(rows)


def complaints(bench: Bench) -> str:
    """What went wrong in which load, one line each."""
    lines = []
    for (scenario, name), runs in bench.seen.items():
        for run in runs:
            if run.failed or run.short or run.unfinished:
                counts = f"{run.failed} failed, {run.short} short, {run.unfinished} unfinished"
                lines.append(f"{scenario} {name}: {counts}; first: {run.first_error}")
    return "\n".join(lines)
