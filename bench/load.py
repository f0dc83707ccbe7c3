"""The load program: streams through one proxy, one plan at a time, and says what it saw as one JSON object.

`python -m bench.load PLAN`, PLAN being a `Plan` as JSON. It runs in a process of its own, so that its work is not
counted as anybody else's, and ends by itself. Modes:

* `closed`: every connection asks again as soon as its answer has ended, until `seconds` are over;
* `once`: every connection asks once; its answer is paced by the backend;
* `leave`: as `once`, but all connections are closed when the window ends;
* `stall`: as `once`, and in the window `body` is sent on one connection more, while the others keep the small one.

Chunks, CPU and latencies are counted in the window from `warm` to `seconds` only; failures always.
"""

import asyncio
import gc
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import uvloop

from bench.client import Plan, Run, drain, now_us, open_all, open_one
from bench.process import cpu_seconds, resident_kib

DRAIN_SECONDS = 20.0
SMALL_BODY = b'{"model":"auto","stream":true,"messages":[{"role":"user","content":"Hello, how are you today?"}]}'


class Seen(msgspec.Struct, kw_only=True):
    """What was seen. Times in microseconds, memory in KiB, `chunks` and `cpu_seconds` those of the window."""

    replies: int
    failed: int
    short: int
    unfinished: int
    first_error: str
    chunks: int
    requests: int
    window_seconds: float
    cpu_seconds: float
    resident_before: int
    resident_in_window: int
    own_cpu_seconds: float
    latency: dict[str, float]
    first_chunk: dict[str, float]
    left_at_us: int
    open_in_window: int


def quantiles(values: list[int]) -> dict[str, float]:
    """The mean, p50, p99 and the greatest; empty for nothing."""
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    return {
        "mean": sum(ordered) / len(ordered),
        "p50": ordered[last // 2],
        "p99": ordered[int(last * 0.99)],
        "max": ordered[-1],
    }


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one edge of the window."""

    at: float
    cpu: float
    own_cpu: float
    chunks: int

    @classmethod
    def take(cls, run: Run) -> "Sample":
        return cls(run.loop.time(), cpu_seconds(run.plan.pid), time.process_time(), run.chunks)


def seen(run: Run, first: Sample, last: Sample, **rest: int) -> Seen:
    """The outcome of a run that has ended."""
    return Seen(
        replies=run.replies,
        failed=run.failed,
        short=run.short,
        unfinished=run.active,
        first_error=run.first_error,
        chunks=last.chunks - first.chunks,
        requests=run.requests,
        window_seconds=last.at - first.at,
        cpu_seconds=last.cpu - first.cpu,
        own_cpu_seconds=last.own_cpu - first.own_cpu,
        latency=quantiles(run.latencies),
        first_chunk=quantiles(run.first_chunks),
        **rest,
    )


async def measure(plan: Plan) -> Seen:
    """Carry out `plan`."""
    run = Run(plan, asyncio.get_running_loop())
    small = run.request(SMALL_BODY)
    big = run.request(await asyncio.to_thread(Path(plan.body).read_bytes)) if plan.body else small
    resident_before = resident_kib(plan.pid)
    start = run.loop.time()
    connections = await open_all(run, small if plan.mode == "stall" else big)
    await asyncio.sleep(max(0.0, start + plan.warm - run.loop.time()))

    run.measuring = True
    first = Sample.take(run)
    if plan.mode == "stall":
        await open_one(run, big)
    await asyncio.sleep(max(0.0, start + plan.seconds - run.loop.time()))
    last = Sample.take(run)
    run.measuring, run.stopping = False, True
    resident, still_open, left_at = resident_kib(plan.pid), run.active, now_us()

    if plan.mode == "leave":
        run.leaving = True
        for connection in connections:
            connection.leave()
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await drain(run)
    except TimeoutError:
        run.first_error = run.first_error or f"{run.active} answers did not end"
    return seen(
        run,
        first,
        last,
        resident_before=resident_before,
        resident_in_window=resident,
        left_at_us=left_at,
        open_in_window=still_open,
    )


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    signal.alarm(int(plan.seconds + DRAIN_SECONDS) + 20)
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(measure(plan))
    print(msgspec.json.encode(outcome).decode(), flush=True)


if __name__ == "__main__":
    main()
