"""cwproxy's commands as programs of their own, with a home of their own and nothing that leads to a real account.

`command(...)` runs one to its end; `Server(...)` runs `serve` or `simulate` until the context is left; `Terminal(...)`
runs one at a terminal. `store_login` is a login without the minute at the browser. `until` waits for what another
process does.
"""

import math
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support import leaks
from tests.support.simulator import SimulatedAccount
from tests.support.waiting import SECONDS

from cwproxy.store import Account, AccountKind, Registration, Secret, Store, Token

ROOT = Path(__file__).parents[2]
CWPROXY = (sys.executable, "-m", "cwproxy")
READY = re.compile(r"^(?:cwproxy|simulator) ready on (http://\S+)\n", re.MULTILINE)
"""A whole line: a program's text and its line break may come in two pieces."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def clean_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, without settings of cwproxy or AWS except `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CWPROXY_", "AWS_", "KIRO_"))}
    own = {"HOME": str(home.parent), "CWPROXY_HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}
    return {**kept, **own, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **(more or {})}


def command(
    *arguments: str, home: Path, environment: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None
) -> Done:
    """`cwproxy ARGUMENTS`, to its end."""
    return finished([*CWPROXY, *arguments], clean_environment(home, environment), stdin=stdin, cwd=cwd)


def finished(program: list[str], environment: Mapping[str, str], *, stdin: str = "", cwd: Path | None = None) -> Done:
    """Any program, to its end."""
    done = subprocess.run(
        program, env=environment, input=stdin, capture_output=True, text=True, timeout=SECONDS, cwd=cwd, check=False
    )
    leaks.look(shlex.join(program), done.stdout + done.stderr)
    return Done(done.returncode, done.stdout, done.stderr)


class Server:
    """A long-running command. url: what its ready line says. Leaving the context ends it with SIGTERM, if it runs."""

    url: str

    def __init__(
        self, *arguments: str, home: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self._program = [*CWPROXY, *arguments]
        self._environment = clean_environment(home, environment)
        self._cwd = cwd
        home.parent.mkdir(parents=True, exist_ok=True)
        stem = f"{arguments[0]}-{time.monotonic_ns()}"
        self._files = (home.parent / f"{stem}.out", home.parent / f"{stem}.err")

    def __enter__(self) -> Self:
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self._process = subprocess.Popen(
                self._program, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self._cwd
            )
        try:
            until(lambda: READY.search(self.out) is not None or self._process.poll() is not None)
            ready = READY.search(self.out)
            assert ready is not None, self.out + self.err
            self.url = ready[1]
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGTERM)
        leaks.look(shlex.join(self._program), self.out + self.err)
        leaks.look_at_tables(Path(self._environment["CWPROXY_HOME"]))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals | None = None) -> int:
        """Send the signal, wait for the end; the exit code (negative: the signal that killed it)."""
        if number is not None:
            self.send(number)
        try:
            return self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def out(self) -> str:
        return self._files[0].read_text(errors="replace")

    @property
    def err(self) -> str:
        return self._files[1].read_text(errors="replace")


class Terminal:
    """A command at a terminal: `wait_for` reads what it shows, `type` answers, `end` waits for its end."""

    def __init__(self, *arguments: str, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self._arguments = arguments
        self._environment = {**clean_environment(home, environment), "TERM": "xterm"}
        self.shown = ""

    def __enter__(self) -> Self:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 200))
        self._process = subprocess.Popen(
            [*CWPROXY, *self._arguments],
            env=self._environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)
        leaks.look(f"terminal: {shlex.join(self._arguments)}", self.shown)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until it shows the pattern. AssertionError when it ends first or takes too long."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = re.search(pattern, self.shown)
            if found:
                return found
            assert time.monotonic() < deadline and self._read(1.0), f"no {pattern!r} in {self.shown!r}"

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        while self._read(SECONDS):
            pass
        return self._process.wait(SECONDS)

    def _read(self, seconds: float) -> bool:
        """False at the end of the output; silence of `seconds` is not an end."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # Linux says EIO when the last program at the terminal has gone
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


def store_login(
    home: Path,
    account: SimulatedAccount,
    *,
    expires_in: float = 3600.0,
    refresh_token: str | None = None,
    surface: str | None = None,
) -> Account:
    """Put the simulator's account among the logins under `home`. Its token lasts as the simulator says, whatever
    `expires_in` makes cwproxy believe."""
    kind = AccountKind(account.kind)
    stored = Account(
        id=account.id,
        kind=kind,
        label=account.id,
        sso_region=account.region,
        created_at=time.time(),
        start_url=account.token_endpoint or account.start_url,
        profile_arn=account.profile_arns[0] if account.profile_arns else None,
        surface=surface,
    )
    token = Token(
        Secret(account.token), None if refresh_token is None else Secret(refresh_token), time.time() + expires_in
    )
    registration = None
    if account.client_id is not None:
        registration = Registration(account.client_id, Secret(""), math.inf, account.region, ())
    with Store.open(home / "data") as store:
        store.add(stored, None if kind is AccountKind.IAM else token, registration)
    return stored


def until(condition: Callable[[], bool], *, within: float = SECONDS) -> None:
    """Until it holds; AssertionError when that takes longer than `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s"
        pause.wait(0.02)
