"""The whole program as a user starts it: `cwproxy simulate`, `cwproxy login`, `cwproxy serve`, one process each.

`with Stack("q", directory) as stack:` leaves nothing behind; the three processes' output is in the directory, and a
start that fails raises RuntimeError with that output.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal, Self

from tests.support import leaks
from tests.support.waiting import SECONDS

ROOT = Path(__file__).parents[2]
CWPROXY = (sys.executable, "-m", "cwproxy")

SurfaceName = Literal["q", "kiro"]

LOGINS: Final[Mapping[SurfaceName, tuple[str, ...]]] = {
    "q": (),
    "kiro": ("--start-url", "https://d-example.awsapps.com/start", "--region", "us-east-1"),
}
"""Builder ID has no profile and belongs to the q surface; Identity Center has one and belongs to kiro."""


KEY: Final = "key-of-the-contract-tests"
"""What clients must show to the proxy."""

PACE: Final = "0.002"
"""Seconds between two frames of an answer: enough for frames to arrive one by one."""


class Stack:
    """A simulator, and a proxy that is logged in to it and asks its clients for `KEY`.

    directory: an empty one, for state and logs.
    base_url: the proxy's, without `/v1`. admin_key: opens its `/admin`.
    simulator_url: the simulator's; its control plane is under `/__control/`.
    """

    base_url: str
    simulator_url: str
    admin_key: str

    def __init__(self, surface: SurfaceName, directory: Path, *, config: str = "") -> None:
        """config: more of the configuration file."""
        self.surface = surface
        self._config = config
        self.home = directory / "home"
        self._directory = directory
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.home.mkdir()
        (self.home / "config.toml").write_text(f'api_keys = ["{KEY}"]\n{self._config}')
        with ExitStack() as starting:
            self.simulator_url = starting.enter_context(
                Program("simulator", ["simulate", "--port", "0", "--auto-approve", "--pace", PACE], self)
            ).url
            self.run("login", "--no-browser", "--endpoint", self.simulator_url, *LOGINS[self.surface])
            self.admin_key = json.loads(self.run("keys", "create", "tests", "--admin", "--json"))["key"]
            serve = ["serve", "--endpoint", self.simulator_url, "--surface", self.surface, "--port", "0"]
            self.base_url = starting.enter_context(Program("cwproxy", serve, self)).url
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def run(self, *arguments: str) -> str:
        """What a command of the program prints. Raises RuntimeError, with all its output, if it fails."""
        done = subprocess.run(
            [*CWPROXY, *arguments],
            env=self.environment(),
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        leaks.look(shlex.join(arguments), done.stdout)
        if done.returncode:
            raise RuntimeError(f"cwproxy {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """This process's, with a home of its own and nothing that would lead to a real account."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CWPROXY_", "AWS_"))}
        return {
            **kept,
            "HOME": str(self.home),
            "CWPROXY_HOME": str(self.home),
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONUNBUFFERED": "1",
        }

    def log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    @property
    def directory(self) -> Path:
        return self._directory

    def tail(self) -> str:
        """The last lines that both processes wrote, for the message of a failed test."""
        logs = sorted(self._directory.glob("*.log"))
        return "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}\n" for log in logs)


class Program:
    """A long-running command of cwproxy, from its ready line to its end. `url` is the one in the ready line."""

    url: str

    def __init__(self, name: str, arguments: Sequence[str], stack: Stack) -> None:
        self._name = name
        self._arguments = arguments
        self._stack = stack
        self._log = stack.log(name)

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*CWPROXY, *self._arguments],
                env=self._stack.environment(),
                cwd=self._stack.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        leaks.look(self._name, self._log.read_text(errors="replace"))
        leaks.look_at_tables(self._stack.home)

    def _wait_until_ready(self) -> str:
        ready = f"{self._name} ready on "
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for line in self._log.read_text(errors="replace").splitlines(keepends=True):
                if line.startswith(ready) and line.endswith("\n"):
                    return line.removeprefix(ready).split()[0]
            try:
                code = self._process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{self._name} ended with {code} before it was ready:\n{self._stack.tail()}")
        raise RuntimeError(f"{self._name} was not ready after {SECONDS:.0f} s:\n{self._stack.tail()}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"{self._name} did not stop:\n{self._stack.tail()}") from None
