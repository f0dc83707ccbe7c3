"""A PostgreSQL server on loopback for the tests, with a database of its own for each that asks.

The server of the machine's packages is used: Debian and Ubuntu keep its programs out of PATH.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psycopg
import pytest

PASSWORD = "canary-database-password"
SECONDS = 60


def program(name: str) -> str | None:
    """Where `initdb` or `postgres` is, the newest if there are several."""
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = sorted(installed, key=lambda path: float(path.parent.parent.name))
    return str(newest[-1]) if newest else shutil.which(name)


def require() -> None:
    """Skips the test where there is no PostgreSQL, but never in CI."""
    if program("initdb") is None:
        reason = "PostgreSQL's server is not installed (apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that neither answer nor hang up."""
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # a connection that has ended meanwhile
        os.kill(pid, number)


@dataclass
class PostgresqlServer:
    """`start` and `stop` may be called again and again; the port and the data stay."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://cwproxy:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url_of(name)

    def start(self) -> None:
        postgres = program("postgres")
        assert postgres is not None
        options = [f"-p{self.port}", "-hlocalhost", "-k", "", "-F", "-c", "max_connections=200"]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [postgres, "-D", str(self.directory / "data"), *options], stdout=log, stderr=log, **_somebody()
            )
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.directory / "log").read_text()[-2000:])
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT drops whoever is connected; SIGQUIT does not even tidy up."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(SECONDS)
            self.process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes are stopped: it takes connections and says nothing."""
        assert self.process is not None
        with stopped([self.process.pid]):  # which makes no more of them then
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            with stopped([int(child) for child in children]):
                yield

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class _User(TypedDict, total=False):
    user: str
    group: str
    extra_groups: list[str]


def _somebody() -> _User:
    """PostgreSQL refuses to run as root, who is therefore somebody else: the user of the package."""
    if sys.platform == "win32" or os.getuid() != 0:
        return {}
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _port() -> int:
    """A free one that the system gives to nobody who takes any port, so that it is still free after a restart."""
    numbers = list(range(20_000, 32_000))
    random.SystemRandom().shuffle(numbers)
    for number in numbers:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", number))
            return number
    raise RuntimeError("no port is free")


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Not below pytest's directories, into which nobody but their owner may look."""
    initdb = program("initdb")
    assert initdb is not None
    with tempfile.TemporaryDirectory(prefix="cwproxy-postgresql-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        password = directory / "password"
        password.write_text(PASSWORD)
        if _somebody():
            shutil.chown(directory, "postgres", "postgres")
        options = ["-U", "cwproxy", f"--pwfile={password}", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "-N"]
        subprocess.run(
            [initdb, "-D", str(directory / "data"), *options],
            check=True,
            capture_output=True,
            cwd=directory,
            **_somebody(),
        )
        server = PostgresqlServer(directory, _port())
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
