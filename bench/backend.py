"""The fake backend: one raw asyncio protocol that streams ready-made event frames, as fast as it can or paced.

`python -m bench.backend` prints `ready on http://127.0.0.1:PORT`. It answers

* a chat call on any surface (protocol.md 1.1), and `POST .../chat/completions`, which a byte relay passes on as it is;
* what `cwproxy login` and a starting proxy ask for: the device flow (approved at once), models, profiles, usage;
* `POST /__shape?frames=N&interval_us=M`: the shape of the answers that follow (0: no pause between frames);
* `GET /__stats`: the streams that are open, and when each stream that its client left was closed.

It is no simulator: it checks nothing.
"""

import argparse
import asyncio
import ctypes
import gc
import heapq
import json
import os
import random
import signal
import socket
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import uvloop

from bench.answers import control_plane_answer
from bench.client import now_us
from bench.frames import LAST_CHUNK, TRAILER, Stamper, burst

LIFETIME_SECONDS = 1800
_MONOTONIC = 1

_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\nDate: Fri, 21 Nov 2025 00:00:00 GMT\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
)


class Alarm:
    """A timer of the kernel with microseconds: the loop's own have milliseconds, which would bunch paced frames."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = (ctypes.c_long * 4)()

    def set(self, delay_us: int) -> None:
        """Make `fd` readable after `delay_us`."""
        delay = max(1, delay_us)
        self._spec[2], self._spec[3] = delay // 1_000_000, delay % 1_000_000 * 1000
        self._libc.timerfd_settime(self.fd, 0, self._spec, None)


class Pacer:
    """Gives every paced stream its next frame when it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due: list[tuple[int, int, Connection]] = []
        self._alarm = Alarm()
        self._order = 0
        self._stamper = Stamper()
        loop.add_reader(self._alarm.fd, self._ring)

    def chunk(self) -> bytes:
        """A frame with the time of this moment."""
        return self._stamper.chunk(now_us())

    def add(self, connection: "Connection", due_us: int) -> None:
        """Call `connection.tick` at `due_us`."""
        self._order += 1
        entry = (due_us, self._order, connection)
        heapq.heappush(self._due, entry)
        if self._due[0] is entry:
            self._alarm.set(due_us - now_us())

    def _ring(self) -> None:
        os.read(self._alarm.fd, 8)
        due = self._due
        while due and due[0][0] <= now_us():
            at, order, connection = due[0]
            again = connection.tick(at)
            if again:
                heapq.heapreplace(due, (again, order, connection))
            else:
                heapq.heappop(due)
        if due:
            self._alarm.set(due[0][0] - now_us())


@dataclass
class Backend:
    """What all connections share."""

    pacer: Pacer
    frames: int = 1
    interval_us: int = 0
    body: bytes = b""
    active: int = 0
    left_at_us: list[int] | None = None

    def shape(self, query: str) -> bytes:
        """Set the shape of the answers that follow."""
        values = dict(parse_qsl(query))
        self.frames, self.interval_us = int(values["frames"]), int(values["interval_us"])
        self.body = _STREAM_HEAD + burst(self.frames)
        self.left_at_us = []
        return b"{}"

    def stats(self) -> bytes:
        """The counters since the last shape."""
        return json.dumps({"active": self.active, "left_at_us": self.left_at_us or []}).encode()


class Connection(asyncio.Protocol):
    """One connection: a request is read to its end, then answered. Request bodies are thrown away as they come."""

    __slots__ = ("_backend", "_chat", "_chunked", "_head", "_left", "_need", "_target", "_transport")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._need = 0
        self._chunked = False
        self._chat = False
        self._target = ""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._left:
            self._left = 0
            self._backend.active -= 1
            if self._backend.left_at_us is not None:
                self._backend.left_at_us.append(now_us())

    def data_received(self, data: bytes) -> None:
        if self._need:
            self._need -= len(data)
            if self._need <= 0:
                self._answer()
        elif self._chunked:
            self._head = (self._head + data)[-5:]
            if self._head == LAST_CHUNK:
                self._head, self._chunked = b"", False
                self._answer()
        else:
            self._read_head(self._head + data)

    def _read_head(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return
        head = data[:end].decode("latin-1")
        self._head = b""
        rest = len(data) - end - 4
        method, target, _ = head.split(" ", 2)
        lower = head.lower()
        call = _value(lower, "x-amz-target").rpartition(".")[2]
        self._target = call or target
        self._chat = method == "POST" and self._target.lower().endswith(
            ("generateassistantresponse", "sendmessage", "sendmessagestreaming", "chat/completions")
        )
        self._chunked = _value(lower, "transfer-encoding") == "chunked"
        if self._chunked:
            self.data_received(data[end + 4 :])
            return
        self._need = int(_value(lower, "content-length") or 0) - rest
        if self._need <= 0:
            self._answer()

    def _answer(self) -> None:
        self._need = 0
        assert self._transport is not None
        if not self._chat:
            self._transport.write(self._plain_answer())
        elif not self._backend.interval_us:
            self._transport.write(self._backend.body)
        else:
            self._start_paced(self._transport)

    def _start_paced(self, transport: asyncio.Transport) -> None:
        backend = self._backend
        backend.active += 1
        self._left = backend.frames - 1
        transport.write(_STREAM_HEAD + backend.pacer.chunk())
        # The second frame comes at a random phase: streams that were opened together must not beat together.
        backend.pacer.add(self, now_us() + int(backend.interval_us * (1 + random.random())))

    def tick(self, due_us: int) -> int:
        """Write the frame that is due; says when the next one is, 0 for never."""
        if self._transport is None:
            return 0
        self._left -= 1
        if self._left > 0:
            self._transport.write(self._backend.pacer.chunk())
            return due_us + self._backend.interval_us
        self._transport.write(self._backend.pacer.chunk() + TRAILER + LAST_CHUNK)
        self._backend.active -= 1
        return 0

    def _plain_answer(self) -> bytes:
        url = urlsplit(self._target)
        match url.path:
            case "/__shape":
                body = self._backend.shape(url.query)
            case "/__stats":
                body = self._backend.stats()
            case path:
                body = control_plane_answer(path)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def _value(head: str, name: str) -> str:
    """The value of a header in a lower-cased head, empty where it is absent."""
    _, found, rest = head.partition(f"\r\n{name}:")
    return rest.partition("\r\n")[0].strip() if found else ""


async def serve(port: int) -> None:
    """Serve until cancelled or LIFETIME_SECONDS are over."""
    loop = asyncio.get_running_loop()
    backend = Backend(Pacer(loop))
    backend.shape("frames=1&interval_us=0")
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    server = await loop.create_server(lambda: Connection(backend), sock=listener)
    gc.freeze()
    print(f"ready on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    signal.alarm(LIFETIME_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
