"""What this process and the others tell each other of the accounts, through the store.

Reading: what is told was read at most `BELIEVED_SECONDS` before a request looks, as long as the database answers; one
that does not answer keeps nobody waiting who has been told before. Where a reading takes a journey, it is made again
and again, so that requests find it done. Writing: in the background, in order, until it has worked.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Sequence

import msgspec
from msgspec.structs import asdict

from cwproxy.accounts.pool import Change
from cwproxy.accounts.pool.changes import ACCOUNT
from cwproxy.auth.clock import Clock
from cwproxy.errors import StoreError
from cwproxy.store import Account, AccountState, Store
from cwproxy.store.cooldowns import CoolDown, CoolDowns
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.accounts")

BELIEVED_SECONDS = 1.5
"""How long ago what is known may have been read. It is read anew, beside the requests, when half of that has passed."""

WATCH_SECONDS = BELIEVED_SECONDS / 3
"""Between two readings of a remote database that nobody has asked for. What is left is for the next one to take."""

PATIENCE_SECONDS = 2.0
"""How long requests wait for a reading when there is older knowledge to go by: all of them together, from its start."""

FAILING_PATIENCE_SECONDS = 0.5
"""The same where the last reading has failed."""

AGAIN_SECONDS = 1.0
CLOSING_SECONDS = 2.0


class News(msgspec.Struct, frozen=True):
    """All accounts, oldest first, and what others or this process have found out since the last time."""

    accounts: tuple[Account, ...]
    changes: tuple[Change, ...]


class Sharing:
    """heard: told of everything that is read, from the event loop. accounts: reads them all, in a thread; by default
    from the store alone. Used in one event loop.
    """

    def __init__(
        self,
        store: Store,
        cooldowns: CoolDowns,
        *,
        heard: Callable[[News], None],
        clock: Clock,
        accounts: Callable[[], Sequence[Account]] | None = None,
    ) -> None:
        self._store = store
        self._accounts = accounts or store.accounts
        self._cooldowns = cooldowns
        self._heard = heard
        self._clock = clock
        self._stamp = 0
        self._read_at = float("-inf")
        self._failure: StoreError | None = None
        self._reading: asyncio.Task[None] | None = None
        self._reading_since = 0.0
        self._watching: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._unwritten: dict[tuple[str, str], Change] = {}
        self._unread: dict[str, Change] = {}
        """Standings that are written, by account: whoever reads now sees them, but what was read last is older."""
        self._written = 0

    async def fresh(self) -> None:
        """Raises StoreError when nothing has ever been read and nothing can be."""
        age = self._clock.monotonic() - self._read_at
        if age < BELIEVED_SECONDS / 2:
            return
        reading = self.refresh()
        if age < BELIEVED_SECONDS:
            return
        if self._read_at == float("-inf"):
            await asyncio.shield(reading)
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self._watching is None and self._store.database.is_remote:
                self._watching = _beside(self._watch())
            return
        patience = PATIENCE_SECONDS if self._failure is None else FAILING_PATIENCE_SECONDS
        left = self._reading_since + patience - self._clock.monotonic()
        if left > 0:
            await asyncio.wait([reading], timeout=left)

    def refresh(self) -> "asyncio.Task[None]":
        """Read, or wait for the reading that is under way."""
        if self._reading is None:
            self._reading, self._reading_since = _beside(self._read()), self._clock.monotonic()
        return self._reading

    def tell(self, changes: Sequence[Change]) -> None:
        """To be written soon. Of one account and scope, the last change counts."""
        for change in changes:
            self._unwritten[change.account_id, change.scope] = change
        if self._unwritten and self._writing is None:
            self._writing = _beside(self._write())

    @property
    def unwritten(self) -> bool:
        """Whether anything that was told is not in the store yet."""
        return bool(self._unwritten)

    def untold(self, account_id: str) -> Change | None:
        """The account's standing where `heard` has not been told of it yet, because it was read before."""
        return self._unwritten.get((account_id, ACCOUNT)) or self._unread.get(account_id)

    async def written(self, within: float) -> None:
        """What was told is in the store, or `within` seconds have passed."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=within)

    async def aclose(self) -> None:
        """Write what is unwritten, if that is possible soon."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        tasks = [task for task in (self._reading, self._writing) if task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(WATCH_SECONDS)
            await asyncio.wait([self.refresh()])

    async def _read(self) -> None:
        try:
            written = self._written
            accounts, seen = await in_store(lambda: (self._accounts(), self._cooldowns.since(self._stamp)))
            while written != self._written:  # what was read may be older than what has been written meanwhile
                written = self._written
                accounts = await in_store(self._accounts)
        except StoreError as error:
            if self._failure is None:
                log.warning("what is known of the accounts cannot be read anew: %s", error.message)
            self._failure = error
        else:
            self._stamp, self._failure = seen.stamp, None
            self._unread.clear()
            self._read_at = self._clock.monotonic()
            self._heard(News(tuple(accounts), tuple(Change(**asdict(change)) for change in seen.changes)))
        finally:
            self._reading = None

    async def _write(self) -> None:
        try:
            while self._unwritten:
                batch = tuple(self._unwritten.values())
                try:
                    await in_store(self._put, batch)
                except StoreError as error:
                    log.warning("what was found out of the accounts cannot be stored yet: %s", error.message)
                    await self._clock.sleep(AGAIN_SECONDS)
                    continue
                self._written += 1
                for change in batch:
                    if change.scope == ACCOUNT:
                        self._unread[change.account_id] = change
                    if self._unwritten.get((change.account_id, change.scope)) is change:
                        del self._unwritten[change.account_id, change.scope]
        finally:
            self._writing = None

    def _put(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.scope == ACCOUNT:
                self._set_state(change)
        self._cooldowns.put(CoolDown(**asdict(change)) for change in changes if change.scope != ACCOUNT)

    def _set_state(self, change: Change) -> None:
        """Where it is so already, whoever was first has said it better: it knew of the login, not only of a call. What
        another process has found suspended stays so until a person says otherwise.
        """
        account, state = self._store.account(change.account_id), AccountState(change.state)
        if account is None or account.state is state:
            return
        if account.state is not AccountState.SUSPENDED or state is AccountState.ACTIVE:
            self._store.set_state(change.account_id, state, change.detail)


def _beside(work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
    """It belongs to no request: whoever leaves does not stop it."""
    return asyncio.create_task(work, context=contextvars.Context())  # noqa: TID251 - held by Sharing, ended by aclose
