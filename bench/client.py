"""One client of the load program, and what all of them count together."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec

from bench.frames import DIGITS, LAST_CHUNK, MARK

Mode = Literal["closed", "once", "leave", "stall"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `pid`: whose CPU and memory to read, 0 for nobody's. `sse`: whether the answer must end in [DONE]."""

    port: int
    mode: Mode
    connections: int
    seconds: float
    frames: int
    warm: float = 0.0
    ramp: float = 0.0
    stamped: bool = False
    sse: bool = True
    pid: int = 0
    body: str = ""


def now_us() -> int:
    """CLOCK_MONOTONIC in microseconds, the same in every process of the machine."""
    return time.monotonic_ns() // 1000


@dataclass
class Run:
    """The plan under way and its counters."""

    plan: Plan
    loop: asyncio.AbstractEventLoop
    measuring: bool = False
    stopping: bool = False
    leaving: bool = False
    active: int = 0
    replies: int = 0
    failed: int = 0
    short: int = 0
    first_error: str = ""
    chunks: int = 0
    requests: int = 0
    latencies: list[int] = field(default_factory=list)
    first_chunks: list[int] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    reopening: "set[asyncio.Task[Connection | None]]" = field(default_factory=set)

    def fail(self, why: str) -> None:
        """Count a reply that failed."""
        self.failed += 1
        self.first_error = self.first_error or why

    def request(self, body: bytes) -> bytes:
        """A chat request with `body`."""
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.plan.port}\r\n"
            f"Content-Type: application/json\r\nAccept: */*\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Connection(asyncio.Protocol):
    """One client: asks, reads the answer to its end, asks again where the mode says so."""

    __slots__ = (
        "_asked_at",
        "_busy",
        "_carry",
        "_chunked",
        "_close",
        "_done",
        "_head",
        "_in_head",
        "_left",
        "_marks",
        "_request",
        "_run",
        "_status",
        "_tail",
        "_transport",
    )

    def __init__(self, run: Run, request: bytes) -> None:
        self._run = run
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask(self._transport)

    def leave(self) -> None:
        """Close the connection, whatever is under way."""
        if self._transport is not None:
            self._transport.close()

    def _ask(self, transport: asyncio.Transport) -> None:
        self._busy = self._in_head = True
        self._chunked = self._close = self._done = False
        self._head = self._tail = self._carry = b""
        self._status = self._marks = self._left = 0
        self._run.active += 1
        self._asked_at = now_us()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            data = self._read_head(self._head + data)
            if self._in_head:
                return
        run = self._run
        if self._status == 200 and data:
            marks = self._stamps(data) if run.plan.stamped else data.count(MARK)
            if marks:
                if not self._marks and run.measuring:
                    run.first_chunks.append(now_us() - self._asked_at)
                self._marks += marks
                run.chunks += marks
        if not self._chunked:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()
            return
        self._tail = data[-32:] if len(data) >= 32 else (self._tail + data)[-32:]
        if self._tail.endswith(LAST_CHUNK):
            self._finish()

    def _stamps(self, data: bytes) -> int:
        """The number of whole stamps; a mark without digits behind it is a byte of a checksum."""
        run = self._run
        now = now_us()
        parts = (self._carry + data).split(MARK)
        self._carry = b""
        stamps = 0
        for part in parts[1:]:
            digits = part[:DIGITS]
            if not digits.isdigit():
                continue
            if len(digits) < DIGITS:
                self._carry = MARK + part
                continue
            stamps += 1
            if run.measuring:
                run.latencies.append(now - int(digits))
        return stamps

    def _read_head(self, data: bytes) -> bytes:
        """Read the head if all of it is there; what stands behind it."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return b""
        self._in_head = False
        head = data[:end].lower()
        self._status = int(head[9:12])
        self._chunked = b"\r\ntransfer-encoding: chunked" in head
        self._close = b"\r\nconnection: close" in head
        _, _, length = head.partition(b"\r\ncontent-length:")
        self._left = int(length.partition(b"\r\n")[0] or 0)
        return data[end + 4 :]

    def _finish(self) -> None:
        run, plan = self._run, self._run.plan
        self._busy = False
        run.active -= 1
        if self._status != 200:
            run.fail(f"status {self._status}")
        elif self._marks != plan.frames or (plan.sse and b"[DONE]" not in self._tail):
            run.short += 1
            run.first_error = run.first_error or f"{self._marks} pieces of text in place of {plan.frames}"
        else:
            run.replies += 1
            run.requests += run.measuring
        if plan.mode == "closed" and not run.stopping and self._transport is not None:
            if self._close:
                self._transport.close()
            elif run.failed < 100:
                self._ask(self._transport)
        if not run.active:
            run.idle.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        run = self._run
        if self._busy:
            self._busy = False
            run.active -= 1
            if not run.leaving:
                run.fail(f"the connection was closed early ({exc})")
        if self._close and run.plan.mode == "closed" and not run.stopping:
            run.reopening.add(run.loop.create_task(open_one(run, self._request)))
        elif not run.active:
            run.idle.set()


async def open_one(run: Run, request: bytes) -> Connection | None:
    """Connect and ask."""
    try:
        _, connection = await run.loop.create_connection(lambda: Connection(run, request), "127.0.0.1", run.plan.port)
    except OSError as error:
        run.fail(f"cannot connect: {error}")
        return None
    return connection


async def open_all(run: Run, request: bytes) -> list[Connection]:
    """Open the plan's connections, spread over its ramp."""
    opened: list[Connection] = []
    start = run.loop.time()
    for number in range(run.plan.connections):
        wait = start + run.plan.ramp * number / run.plan.connections - run.loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        connection = await open_one(run, request)
        if connection is not None:
            opened.append(connection)
    return opened


async def drain(run: Run) -> None:
    """Wait until no answer is under way."""
    while run.active:
        run.idle.clear()
        await run.idle.wait()
