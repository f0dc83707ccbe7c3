"""How much of its allowance each account has left: GetUsageLimits, at most every five minutes, never in the way of a
request.

Accounts that nobody uses are not asked: `watch` asks for those that have been used since, `refresh` when a person
wants to know.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Final

import msgspec

from cwproxy.codewhisperer.catalog import UsageLimits
from cwproxy.errors import CwproxyError

log = logging.getLogger("cwproxy.accounts")

EVERY_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 5.0
"""How long `refresh` waits; what comes later is there the next time."""


class Quota(msgspec.Struct, frozen=True):
    """read_at: epoch seconds. limits: what was read last, None if nothing ever was. problem: why the last reading
    failed, empty if it did not.
    """

    read_at: float
    limits: UsageLimits | None
    problem: str = ""


class _Known(msgspec.Struct):
    asked_at: float
    attempts: int
    quota: Quota


class Quotas:
    """read: asks the backend for one account. attempts: how many calls of an account there have been so far.
    told: of everything that is read.
    """

    def __init__(
        self,
        read: Callable[[str], Awaitable[UsageLimits]],
        attempts: Callable[[str], int],
        *,
        told: Callable[[str, UsageLimits], None] = lambda *_: None,
        wall: Callable[[], float],
        clock: Callable[[], float] = monotonic,
        look: float = LOOK_SECONDS,
    ) -> None:
        self._read = read
        self._attempts = attempts
        self._told = told
        self._wall = wall
        self._clock = clock
        self._look = look
        self._known: dict[str, _Known] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._watcher: asyncio.Task[None] | None = None

    def quota(self, account_id: str) -> Quota | None:
        """What was read last; None before the first reading."""
        known = self._known.get(account_id)
        return None if known is None else known.quota

    def fraction_left(self, account_id: str) -> float | None:
        quota = self.quota(account_id)
        return None if quota is None or quota.limits is None else quota.limits.fraction_left()

    async def refresh(self, account_ids: Iterable[str], *, patience: float = PATIENCE_SECONDS) -> None:
        """Read those whose reading is old. Raises nothing: what goes wrong is in the quota."""
        tasks = [self._start(account_id) for account_id in account_ids if self._due(account_id)]
        tasks += [task for account_id, task in self._reading.items() if task not in tasks and account_id in account_ids]
        if tasks:
            await asyncio.wait(tasks, timeout=patience)

    def watch(self, account_ids: Callable[[], Iterable[str]]) -> None:
        """From now on, read anew those that have been used since they were read."""
        self._watcher = asyncio.get_running_loop().create_task(self._watch(account_ids))

    async def _watch(self, account_ids: Callable[[], Iterable[str]]) -> None:
        while True:
            await asyncio.sleep(self._look)
            for account_id in account_ids():
                known = self._known.get(account_id)
                if self._attempts(account_id) > (known.attempts if known else 0) and self._due(account_id):
                    self._start(account_id)

    async def aclose(self) -> None:
        tasks = [*self._reading.values(), *([self._watcher] if self._watcher is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _due(self, account_id: str) -> bool:
        known = self._known.get(account_id)
        old = known is None or self._clock() - known.asked_at >= EVERY_SECONDS
        return old and account_id not in self._reading

    def _start(self, account_id: str) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(self._once(account_id))
        self._reading[account_id] = task
        task.add_done_callback(lambda _: self._reading.pop(account_id, None))
        return task

    async def _once(self, account_id: str) -> None:
        asked_at, attempts = self._clock(), self._attempts(account_id)
        last = self.quota(account_id)
        try:
            limits = await self._read(account_id)
            self._told(account_id, limits)
            quota = Quota(self._wall(), limits)
        except CwproxyError as error:
            log.info("the quota of account %s cannot be read (%s)", account_id, error.message)
            quota = Quota(last.read_at if last else self._wall(), last.limits if last else None, error.message)
        self._known[account_id] = _Known(asked_at, attempts, quota)
