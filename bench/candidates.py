"""What is measured, as running servers: cwproxy, the naive proxy, nginx, and the backend without anything before it."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench import nginx
from bench.process import ROOT, Child, ChildFailed, Cores, server

DIRECT, NGINX, NAIVE, CWPROXY = "direct", "nginx", "naive", "cwproxy"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server under load. `sse`: it answers in the OpenAI API's form, not with the backend's bytes."""

    name: str
    port: int
    pid: int
    sse: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What every server of one run is started with."""

    program: str
    folder: Path
    cores: Cores
    files: int

    def backend(self) -> AbstractContextManager[Child]:
        command = [sys.executable, "-m", "bench.backend"]
        return server(command, core=self.cores.load, log=self.folder / "backend.log")

    def naive(self, backend_port: int) -> AbstractContextManager[Child]:
        endpoint = f"http://127.0.0.1:{backend_port}"
        command = [sys.executable, "-m", "bench.naive", "--endpoint", endpoint]
        return server(command, core=self.cores.proxy, log=self._log(NAIVE))

    def cwproxy(self, backend_port: int) -> AbstractContextManager[Child]:
        """cwproxy as a user starts it; `login` must have run."""
        endpoint = f"http://127.0.0.1:{backend_port}"
        arguments = ["serve", "--endpoint", endpoint, "--surface", "codewhisperer", "--port", "0"]
        command = [self.program, *arguments]
        return server(command, core=self.cores.proxy, log=self._log(CWPROXY), environment=self._environment)

    def login(self, backend_port: int) -> None:
        """Store an account of the fake backend; ChildFailed when that does not work."""
        command = [self.program, "login", "--no-browser", "--endpoint", f"http://127.0.0.1:{backend_port}"]
        environment = {"PATH": "/usr/bin:/bin", **self._environment}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        if done.returncode:
            raise ChildFailed(f"login failed: {done.stdout[-300:]!r} {done.stderr[-1000:]!r}")

    def _log(self, name: str) -> Path:
        """A new file for each start."""
        return self.folder / f"{name}-{time.monotonic_ns()}.log"

    @property
    def _environment(self) -> dict[str, str]:
        return {"CWPROXY_HOME": str(self.folder / "home"), "CWPROXY_MAX_REQUESTS_PER_ACCOUNT": "100000"}


def ask(port: int, method: str, path: str) -> bytes:
    """A short request's answer, whatever its status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()


def start_seconds(start: AbstractContextManager[Child]) -> float:
    """From the start of a server's process to its first HTTP answer."""
    with start as child:
        began = time.perf_counter()
        ask(child.port, "GET", "/")
        return child.start_seconds + time.perf_counter() - began


@contextmanager
def candidates(setting: Setting, backend: Child) -> Iterator[dict[str, Candidate]]:
    """All candidates that this machine has, running at once: those that are not asked cost nothing."""
    with ExitStack() as stack:
        found = {DIRECT: Candidate(DIRECT, backend.port, 0, sse=False)}
        program = nginx.find()
        if program is None:
            print(nginx.INSTALL, flush=True)
        else:
            command, port = nginx.command(program, setting.folder, backend.port, setting.files)
            log = setting.folder / "nginx.log"
            child = stack.enter_context(server(command, core=setting.cores.proxy, log=log, port=port))
            found[NGINX] = Candidate(NGINX, child.port, child.pid, sse=False)
        child = stack.enter_context(setting.naive(backend.port))
        found[NAIVE] = Candidate(NAIVE, child.port, child.pid, sse=True)
        setting.login(backend.port)
        child = stack.enter_context(setting.cwproxy(backend.port))
        found[CWPROXY] = Candidate(CWPROXY, child.port, child.pid, sse=True)
        yield found


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone after the run."""
    with tempfile.TemporaryDirectory(prefix="cwproxy-bench-") as name:
        yield Path(name)
