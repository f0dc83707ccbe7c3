"""One renewal of one account's token, safe against other processes and against dying half-way.

Lock, read the store again, decide, make room, spend the refresh token, store the result (reliability.md 2.3). The
outcome is a value; what it means for requests is decided in `tokens`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from cwproxy.accounts.announcing import Announced, Announcer
from cwproxy.accounts.identity import how_to_log_in
from cwproxy.accounts.saving import Unsaved
from cwproxy.accounts.sources.accord import PROGRAMS, Accord, spent
from cwproxy.accounts.spending import Spend, Spender
from cwproxy.auth.clock import Clock
from cwproxy.auth.grants import Grant, Reason, Refusal
from cwproxy.auth.services import LoginServices
from cwproxy.errors import SettingsError, SourceError, StoreError
from cwproxy.store import Account, AccountState, Registration, Secret, Store, Token
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.accounts")

GOOD_SECONDS = 60.0
"""A token that lives longer than this is taken over instead of being renewed."""

LOCK_SECONDS = 15.0
LOCK_WAITERS = 32
"""Threads that wait for locks. They are not those that everything else uses: a process whose threads all wait for
another one, while that one's wait for it, would hold them both up.
"""

DOUBTS = 4
"""How often an unknown reason is not believed: with the pauses between, for more than a minute."""

SECOND_TRY_SECONDS = 2.0
REREAD_SECONDS = (0.025, 0.05, 0.1)
SOURCE_REREAD_SECONDS = (*REREAD_SECONDS, 0.3, 1.0, 2.0)
"""Another program writes down what it got only when it has the answer, and we may have asked in between."""


class Refreshed(msgspec.Struct, frozen=True):
    """There is a new token, made here or by another process. unsaved: it could not be stored; None when all is well."""

    token: Token
    unsaved: Unsaved | None = None


class Lost(msgspec.Struct, frozen=True):
    """Only a person can help. message: a sentence for that person."""

    message: str


class Postponed(msgspec.Struct, frozen=True):
    """Later may work. storage: it is the store, not the login service, that is in the way. asked: the login service
    was, so that it is left alone for a while. told: what clients are told instead, where the message names files.
    hopeless: nothing will ever renew it, so that its end, or a refusal, is the login's. misconfigured: a person has to
    change how the account is set up.
    """

    message: str
    storage: bool = False
    asked: bool = True
    told: str = ""
    hopeless: bool = False
    misconfigured: bool = False


Outcome: TypeAlias = Refreshed | Lost | Postponed


class _Login(msgspec.Struct, frozen=True):
    """What the store says, read under the lock, with what is needed to renew it."""

    account: Account
    stored: Token
    registration: Registration | None


class _Answered(msgspec.Struct, frozen=True):
    """announced: the try that was."""

    announced: Announced
    answer: Grant | Refusal


class Renewal:
    """Renews tokens of `store`. What it opens of `services` is kept until `aclose`.

    lock_seconds: how long another process that renews the same login is waited for.
    """

    def __init__(
        self,
        store: Store,
        services: LoginServices,
        *,
        clock: Clock,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        self._store = store
        self._spender = Spender(services)
        self._accord = Accord(store, now=clock.now)
        self._announcer = Announcer(store, self.newest, clock=clock)
        self._clock = clock
        self._lock_seconds = lock_seconds
        self._doubts: dict[str, int] = {}
        """How often a login was refused in a row for a reason that is not known, by account."""
        self._waiters: ThreadPoolExecutor | None = None

    async def aclose(self) -> None:
        if self._waiters is not None:
            self._waiters.shutdown(wait=False, cancel_futures=True)
            self._waiters = None
        await self._spender.aclose()

    async def renew(self, account_id: str, known: Token) -> Outcome:
        """A token newer than `known`. Does not raise for anything that the store or the service may do."""
        try:
            async with self._locked(account_id) as held:
                if not held:
                    return Postponed("Another process has been renewing the login for too long.")
                return await self._renew(account_id, known)
        except StoreError as error:
            return Postponed(f"The login is not renewed, because the result could not be kept. {error.message}", True)
        except SettingsError as error:
            return Postponed(f"The login cannot be renewed. {error.message}")

    def newest(self, account_id: str) -> Token | None:
        """What is known without renewing, for a thread: what another process or program has renewed. It also serves
        between two attempts. Raises StoreError.
        """
        self._pull(account_id)
        return self._store.token(account_id)

    def _pull(self, account_id: str) -> str | None:
        """Why the file of the account's source could not be used: it may be another machine's, which renews for all."""
        try:
            self._accord.pull(account_id)
        except SourceError as error:
            return error.message
        return None

    @asynccontextmanager
    async def _locked(self, account_id: str) -> AsyncIterator[bool]:
        lock = self._store.database.locked(f"refresh-{account_id}", within=self._lock_seconds)
        if self._waiters is None:
            self._waiters = ThreadPoolExecutor(LOCK_WAITERS, thread_name_prefix="cwproxy-lock")
        entering = asyncio.get_running_loop().run_in_executor(self._waiters, lock.__enter__)
        try:
            held = await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(lambda entered: _leave(lock, entered))
            raise
        try:
            yield held
        finally:
            await asyncio.to_thread(lock.__exit__, None, None, None)

    async def _renew(self, account_id: str, known: Token) -> Outcome:
        unreadable = await in_store(self._pull, account_id)
        login = await in_store(self._read, account_id)
        if login is None:
            return Lost("The account was removed. Run `cwproxy login`.")
        if login.account.state is AccountState.NEEDS_LOGIN:
            return Lost(login_ended(login.account))
        stored = login.stored
        if self._is_newer(stored, known):
            return Refreshed(stored)
        obstacle = unreadable or await in_store(self._accord.obstacle, login.account, stored, login.registration)
        if obstacle is not None:
            told = f"The login of account {login.account.label!r} cannot be renewed: see `cwproxy doctor`."
            return Postponed(f"The login cannot be renewed. {obstacle}", asked=False, told=told)
        current = known if known.generation > stored.generation else stored
        spend = self._spender.of(login.account, login.registration, current)
        if spend is None:
            return await self._unrenewable(login)
        answered = await self._answered(login, spend)
        if answered is None:
            return await self._renew(account_id, known)
        match answered.answer:
            case Grant() as grant:
                self._doubts.pop(account_id, None)
                return await self._saved(login, current, grant)
            case Refusal() as refusal:
                return await self._refused(login, answered.announced, refusal)
            case _:
                assert_never(answered.answer)

    async def _answered(self, login: _Login, spend: Spend) -> _Answered | None:
        """None when there is something else to do than to spend it."""
        announced = await self._announcer.announce(login.account, login.stored)
        if announced is None:
            return None
        answer = await spend(announced.until)
        if isinstance(answer, Refusal) and answer.ambiguous:
            # The service may have rotated it already, and then takes the old one again for a moment only.
            await self._clock.sleep(SECOND_TRY_SECONDS)
            announced = await self._announcer.again(announced)
            if announced is None:
                return None
            answer = await spend(announced.until)
        return _Answered(announced, answer)

    async def _unrenewable(self, login: _Login) -> Outcome:
        """The end of its token is the end of the login, and not sooner."""
        if login.stored.expires_at > self._clock.now():
            why = "The login cannot be renewed: there is nothing to renew it with."
            return Postponed(why, asked=False, hopeless=True)
        return await self._lost(login, "the service gave nothing to renew it with")

    def _read(self, account_id: str) -> _Login | None:
        account, token = self._store.account(account_id), self._store.token(account_id)
        if account is None or token is None:
            return None
        return _Login(account, token, self._store.registration(account_id))

    def _is_newer(self, token: Token, known: Token) -> bool:
        """Good, and not the one that is known already: what is noted beside a token gets a new generation, too."""
        newer = token.generation > known.generation and token.access_token != known.access_token
        return newer and self._is_good(token)

    def _is_good(self, token: Token) -> bool:
        return token.expires_at - self._clock.now() > GOOD_SECONDS

    async def _saved(self, login: _Login, current: Token, grant: Grant) -> Outcome:
        token = replace(
            current,
            access_token=Secret(grant.access_token),
            refresh_token=current.refresh_token if grant.refresh_token is None else Secret(grant.refresh_token),
            expires_at=self._clock.now() + grant.expires_in,
            generation=current.generation + 1,
            extra=current.extra if grant.refresh_token is None else spent(current.extra, current.refresh_token),
        )
        account_id = login.account.id
        renewed = {each.refresh_token for each in (current, login.stored)}
        unsaved = Unsaved(token, login.stored.generation, frozenset(each for each in renewed if each is not None))
        try:
            stored = await in_store(unsaved.save, self._store, account_id)
        except StoreError as error:
            log.critical(
                "the renewed login of account %s could not be stored and lives in memory only, it is lost when "
                "cwproxy ends: %s",
                account_id,
                error.message,
            )
            with suppress(StoreError):
                await in_store(self._accord.push, login.account, token, spent=current.refresh_token)
            return Refreshed(token, unsaved)
        if stored is None:
            return Lost("The account was removed. Run `cwproxy login`.")
        log.info("renewed the login of account %s", account_id)
        if grant.profile_arn is not None and login.account.profile_arn is None:
            with suppress(StoreError):  # it comes again with the next renewal
                await in_store(self._store.set_profile, account_id, grant.profile_arn)
        if stored.access_token == token.access_token:
            stored = await in_store(self._accord.push, login.account, stored, spent=current.refresh_token)
        return Refreshed(stored)

    async def _refused(self, login: _Login, announced: Announced, refusal: Refusal) -> Outcome:
        match refusal.reason:
            case Reason.UNAVAILABLE | Reason.SLOW_DOWN | Reason.AUTHORIZATION_PENDING:
                if not refusal.ambiguous:
                    await self._announcer.withdraw(announced)
                return Postponed(f"The login service could not renew the login ({refusal.detail}).")
            case Reason.UNKNOWN if self._doubts.get(login.account.id, 0) < DOUBTS:
                self._doubts[login.account.id] = self._doubts.get(login.account.id, 0) + 1
                await self._announcer.withdraw(announced)
                return Postponed(f"The login service gave a reason that is not known ({refusal.detail}).")
            case Reason.WRONG_REGION:
                await self._announcer.withdraw(announced)
                return Postponed(_elsewhere(login.account, refusal.detail), misconfigured=True)
            case Reason.INVALID_CLIENT if login.account.source is None:
                await self._announcer.withdraw(announced)
                return await self._lost(login, f"the registration of this program has expired ({refusal.detail})")
            case (
                Reason.INVALID_CLIENT
                | Reason.INVALID_GRANT
                | Reason.EXPIRED
                | Reason.INVALID_REQUEST
                | Reason.DENIED
                | Reason.UNKNOWN
            ):
                return await self._adopted_or_lost(login, announced, refusal)
            case _:
                assert_never(refusal.reason)

    async def _adopted_or_lost(self, login: _Login, announced: Announced, refusal: Refusal) -> Outcome:
        """A refusal may mean that somebody without our lock was quicker, and is about to store what they got."""
        account = login.account
        token: Token | None = None
        for pause in REREAD_SECONDS if account.source is None else SOURCE_REREAD_SECONDS:
            await self._clock.sleep(pause)
            token = await in_store(self.newest, account.id)
            if token is not None and self._is_newer(token, login.stored):
                return Refreshed(token)
        if account.source is not None and token is not None and token.refresh_token != login.stored.refresh_token:
            return await self._renew(account.id, login.stored)
        await self._announcer.withdraw(announced)
        return await self._lost(
            login, f"the login service of {account.sso_region} refused to renew it ({refusal.detail})"
        )

    async def _lost(self, login: _Login, reason: str) -> Lost:
        expected = login.stored.generation
        await in_store(self._store.quarantine, login.account.id, reason, expected_generation=expected)
        where = "" if login.account.source is None else f" (shared with {login.account.source.path})"
        log.error("the login of account %s has ended: %s%s", login.account.id, reason, where)
        return Lost(_ended(login.account, reason))


def login_ended(account: Account) -> str:
    """The sentence for an account in `needs_login`."""
    return _ended(account, account.state_detail or "it was not accepted any more")


def _ended(account: Account, reason: str) -> str:
    sentence = f"The login of account {account.label!r} has ended: {reason.removesuffix('.')}."
    if account.source is None:
        return f"{sentence} {how_to_log_in(account)}"
    program = PROGRAMS[account.source.kind]
    return (
        f"{sentence} It is shared with {program}, and two programs that renew a login in the same moment can end it. "
        f"Log in again in {program}; cwproxy then takes the new login over by itself."
    )


def _elsewhere(account: Account, detail: str) -> str:
    return (
        f"The login of account {account.label!r} does not belong to {account.sso_region} ({detail}). Log in again with "
        f"--region and the region of its start URL. {how_to_log_in(account)}"
    )


def _leave(lock: AbstractContextManager[bool], entered: "asyncio.Future[bool]") -> None:
    """Nobody waits for the lock any more; it must not be kept when it is had after all."""
    if not entered.cancelled() and entered.exception() is None:
        lock.__exit__(None, None, None)
