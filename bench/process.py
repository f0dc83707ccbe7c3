"""Children of the benchmark: started on a core of their own, read through /proc, always ended."""

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_READY = re.compile(r"ready on http://[^:\s]+:(\d+)\n")
START_SECONDS = 30.0


class ChildFailed(Exception):
    """A child did not do what it was started for."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads so far; 0 for process 0."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_kib(pid: int) -> int:
    """Resident memory of a process; 0 for process 0."""
    if not pid:
        return 0
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KIB


def raise_file_limit() -> int:
    """Allow this process and its children as many open files as the system does; the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run: what is measured on one core, all that measures on another."""

    proxy: int
    load: int

    @classmethod
    def choose(cls) -> "Cores":
        """The first two cores that this process may use."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[1] if len(allowed) > 1 else allowed[0])


@dataclass(frozen=True, slots=True)
class Child:
    """A server that was started: its process, its port, and how long it took to say that it listens."""

    process: "subprocess.Popen[bytes]"
    port: int
    start_seconds: float

    @property
    def pid(self) -> int:
        return self.process.pid


def spawn(
    command: Sequence[str], *, core: int, environment: Mapping[str, str] | None = None, output: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Start `command` on `core` in the repository's folder. `output`: a file descriptor for all that it prints."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output == subprocess.PIPE else subprocess.STDOUT,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, by force if asking does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _port(process: "subprocess.Popen[bytes]", log: Path, port: int | None) -> int | None:
    """Where a child listens: what its ready line says, or `port` once something is there. None: not yet."""
    if process.poll() is not None:
        raise ChildFailed(f"{process.args!r} ended with {process.returncode}: {log.read_text()[-2000:]}")
    if port is None:
        found = _READY.search(log.read_text())
        return int(found[1]) if found else None
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return port
    return None


@contextlib.contextmanager
def server(
    command: Sequence[str],
    *,
    core: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Child]:
    """A server for as long as the block runs; what it prints goes to `log`.

    It is ready when it prints `ready on http://HOST:PORT`, or, with `port`, when something listens there.
    Raises ChildFailed when it ends before that or takes longer than START_SECONDS.
    """
    began = time.perf_counter()
    with log.open("wb") as output:
        process = spawn(command, core=core, environment=environment, output=output.fileno())
    try:
        while (found := _port(process, log, port)) is None:
            if time.perf_counter() - began > START_SECONDS:
                raise ChildFailed(f"{process.args!r} did not say that it is ready: {log.read_text()[-2000:]}")
            time.sleep(0.002)
        yield Child(process, found, time.perf_counter() - began)
    finally:
        end(process)
