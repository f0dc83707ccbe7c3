"""Processes that want one account's token, to be started by the hundred and killed at any moment.

`Renewers` is the test's side. The other, `python -m tests.support.renewing PLACE SERVICE`, imports everything once and
then forks: a process is there in a few milliseconds.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.program import ROOT

from cwproxy.accounts.renewal import Lost, Refreshed, Renewal
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.auth.clock import Clock
from cwproxy.auth.oidc import Oidc
from cwproxy.auth.services import LoginServices
from cwproxy.errors import CwproxyError
from cwproxy.store import Store

ACCOUNT = "one"


@dataclass(frozen=True)
class Said:
    """What one process's requests got. tokens: each once."""

    pid: int
    tokens: list[str]
    failures: list[str]


class Renewers:
    """`place`: what `open_database` takes. `service`: the URL of the login service."""

    def __init__(self, place: Path | str, service: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.renewing", str(place), service],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running: set[int] = set()
        self._said: deque[Said] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in list(self._running):
            self.kill(pid)
        self._process.communicate()

    def ask(self, requests: int, at: float) -> int:
        """A process whose requests want the token at `at`, epoch seconds; its pid."""
        return self._start(f"ask {requests} {at}")

    def renew(self) -> int:
        """A process that renews without an end; its pid."""
        return self._start("renew 0 0")

    def kill(self, pid: int) -> None:
        self._running.discard(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def said(self) -> Said:
        """The next process that has ended."""
        said = self._said.popleft() if self._said else Said(**json.loads(self._line()))
        self._running.discard(said.pid)
        return said

    def _start(self, order: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        while (line := self._line()).startswith("{"):  # one that was started before has ended already
            self._said.append(Said(**json.loads(line)))
        pid = int(line)
        self._running.add(pid)
        return pid

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line
        return line


@cache
def _client(region: str, endpoint: str | None) -> Oidc:
    return Oidc(region, endpoint=endpoint)


class Warm(LoginServices, frozen=True):
    """Its client is made before the fork; without a connection, which must not be shared."""

    def oidc(self, region: str) -> Oidc:
        return _client(region, self.endpoint)


def main(place: str, service: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    where = place if "://" in place else Path(place)
    # What each process would import and read anew, which takes longer than most of them live.
    Store.open(where).close()
    services = Warm(endpoint=service)
    services.oidc("us-east-1")._opened()
    for line in sys.stdin:
        order, count, at = line.split()
        pid = os.fork()
        if pid == 0:
            asyncio.run(_renew(where, services) if order == "renew" else _ask(where, services, int(count), float(at)))
            os._exit(0)
        os.write(sys.stdout.fileno(), f"{pid}\n".encode())


async def _ask(where: Path | str, services: LoginServices, count: int, at: float) -> None:
    with Store.open(where) as store:
        keeper = TokenKeeper(store, services)
        source = keeper.source(ACCOUNT)
        await asyncio.sleep(at - time.time())
        answers = await asyncio.gather(*(source.token() for _ in range(count)), return_exceptions=True)
        await keeper.aclose()
    tokens = sorted({answer for answer in answers if isinstance(answer, str)})
    failures = [
        answer.message if isinstance(answer, CwproxyError) else repr(answer)
        for answer in answers
        if not isinstance(answer, str)
    ]
    line = json.dumps({"pid": os.getpid(), "tokens": tokens, "failures": failures})
    os.write(sys.stdout.fileno(), f"{line}\n".encode())  # at once: others write to the same pipe


async def _renew(where: Path | str, services: LoginServices) -> None:
    with Store.open(where) as store:
        renewal = Renewal(store, services, clock=Clock())
        known = store.token(ACCOUNT)
        while known is not None:
            outcome = await renewal.renew(ACCOUNT, known)
            match outcome:
                case Refreshed(token=token):
                    known = token
                case Lost():
                    return
                case _:
                    await asyncio.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
