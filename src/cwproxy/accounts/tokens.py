"""Access tokens that are always fresh: renewed ahead of their end, once for all who wait (reliability.md 2.3)."""

import asyncio
import contextvars
import logging
import random
from collections.abc import Callable
from typing import TypeAlias, assert_never

import msgspec

from cwproxy.accounts.renewal import Lost, Outcome, Postponed, Refreshed, Renewal, login_ended
from cwproxy.accounts.saving import Unsaved
from cwproxy.accounts.sources.accord import Accord
from cwproxy.auth.bearer import Replacement
from cwproxy.auth.clock import Clock
from cwproxy.auth.services import LoginServices
from cwproxy.errors import AccountUnusable, BackendUnavailable, LoginAwaited, LoginRequired, StoreError
from cwproxy.store import Account, AccountState, Store, Token
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.accounts")

AHEAD_SECONDS = 600.0
JITTER_SECONDS = 120.0
BLOCKING_SECONDS = 60.0
"""With less than this left a request waits for the new token; with more, the old one is served meanwhile."""

CALM_SECONDS = 60.0
"""Between two attempts while the token in hand is still valid."""

FIRST_BACK_OFF, LONGEST_BACK_OFF = 5.0, 300.0
PATIENCE_SECONDS = 15.0
SHORT_PATIENCE_SECONDS = 2.0
"""What a renewal may take until those who wait for it go to another account, if one is free."""

LOOK_SECONDS = 0.5
"""After that, between two looks whether one is."""

SAVE_AGAIN_SECONDS = 5.0
CLOSING_SECONDS = 10.0
LAST_SAVES_SECONDS, LAST_PAUSE_SECONDS = 30.0, 2.0
LONGEST_LIFE = 86_400.0


Elsewhere: TypeAlias = Callable[[], bool]


class _Held(msgspec.Struct, frozen=True):
    """deadline: monotonic seconds. ahead: seconds before the end at which it is time to renew."""

    token: Token
    deadline: float
    ahead: float


class AccountTokens:
    """The `TokenSource` of one account; made by `TokenKeeper.source`.

    `token` and `renew` raise LoginRequired when a person has to log in, AccountUnusable when the login belongs to
    another region, and BackendUnavailable (`login_not_renewed`) or StoreError when there is no valid token and none can
    be had now. Used in one event loop.
    """

    def __init__(
        self,
        account_id: str,
        store: Store,
        renewal: Renewal,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        patience: float,
        short_patience: float,
    ) -> None:
        self._account_id = account_id
        self._store = store
        self._renewal = renewal
        self._clock = clock
        self._jitter = jitter
        self._patience = patience
        self._short_patience = short_patience
        self._held: _Held | None = None
        self._attempt: asyncio.Task[Outcome] | None = None
        self._attempt_began = clock.monotonic()
        self._refused = False
        """What the running attempt is to replace was not accepted."""
        self._saving: asyncio.Task[None] | None = None
        self._unsaved: Unsaved | None = None
        self._failures = 0
        self._failure = Postponed("The login has not been renewed.")
        self._retry_at = self._calm_until = clock.monotonic()
        self._tried: int | None = None
        """The generation of the token that was last tried to renew: what follows it need not wait."""

    @property
    def awaited(self) -> bool:
        """Whether a call has to wait for a renewal now, as far as is known without asking the store."""
        held = self._held
        return held is not None and (self._refused or self._left(held) <= BLOCKING_SECONDS)

    async def token(self, elsewhere: Elsewhere | None = None) -> str:
        """elsewhere: see `Hurried`."""
        held = self._held or await self._load()
        left = self._left(held)
        if left > BLOCKING_SECONDS:
            if left <= held.ahead and self._may_try(left):
                self._start(held)
            return held.token.access_token.reveal()
        return (await self._renewed(held, elsewhere)).token

    async def renew(self, stale: str, elsewhere: Elsewhere | None = None) -> Replacement:
        held = self._held or await self._load()
        if held.token.access_token.reveal() != stale:
            return self._unrenewed(held)
        stored = await in_store(self._renewal.newest, self._account_id)
        if stored is not None and stored.generation > held.token.generation:
            held = self._hold(stored)
            if held.token.access_token.reveal() != stale and self._left(held) > BLOCKING_SECONDS:
                return self._unrenewed(held)
        return await self._renewed(held, elsewhere, refused=True)

    def _unrenewed(self, held: _Held) -> Replacement:
        """It was not renewed for the one who asks."""
        again = max(self._calm_until, self._retry_at) - self._clock.monotonic()
        return Replacement(held.token.access_token.reveal(), max(again, 1.0))

    async def aclose(self, within: float) -> None:
        """Let a running renewal finish for `within` seconds, and try on for `LAST_SAVES_SECONDS` to store what was not
        stored: the refresh token before it is spent (reliability.md 2.2 4).
        """
        attempt = self._attempt
        if attempt is not None:
            await asyncio.wait([attempt], timeout=within)
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
            await self._save_at_last()

    async def _save_at_last(self) -> None:
        end = self._clock.monotonic() + LAST_SAVES_SECONDS
        await self._save()
        while self._unsaved is not None and self._clock.monotonic() < end:
            await self._clock.sleep(LAST_PAUSE_SECONDS)
            await self._save()
        if self._unsaved is not None:
            log.critical("the login of account %s could not be stored and is lost: log in again", self._account_id)

    async def _load(self) -> _Held:
        account = await in_store(self._store.account, self._account_id)
        token = await in_store(self._store.token, self._account_id)
        if account is None or token is None:
            raise LoginRequired("There is no such login any more. Run `cwproxy login`.")
        if account.state is AccountState.NEEDS_LOGIN:
            raise LoginRequired(login_ended(account))
        if token.generation != self._tried:
            self._retry_at = self._calm_until = self._clock.monotonic()
        return self._hold(token)

    def _hold(self, token: Token, *, granted: bool = False) -> _Held:
        if self._held is not None and self._held.token.generation >= token.generation:
            return self._held  # read before the one in hand was made
        life = min(token.expires_at - self._clock.now(), LONGEST_LIFE)
        ahead = AHEAD_SECONDS + self._jitter()
        # A token of a short life would otherwise be due from its first second.
        self._held = _Held(token, self._clock.monotonic() + life, min(ahead, life / 2) if granted else ahead)
        return self._held

    def _left(self, held: _Held) -> float:
        """Seconds, by whichever clock says less: one stands still while a laptop sleeps, the other can be set."""
        return min(held.deadline - self._clock.monotonic(), held.token.expires_at - self._clock.now())

    def _may_try(self, left: float) -> bool:
        now = self._clock.monotonic()
        return now >= self._retry_at and (left <= 0 or now >= self._calm_until)

    async def _renewed(self, held: _Held, elsewhere: Elsewhere | None, *, refused: bool = False) -> Replacement:
        """Wait for a new token. The one in hand is good enough while it is valid, unless it was `refused` and could
        not be renewed: that says nothing of the login yet, which a second refusal would be taken for.
        """
        left = self._left(held)
        if self._attempt is None and not self._may_try(left):
            return self._old_or_raise(held, self._failure, refused=refused and self._failures > 0)
        try:
            async with asyncio.timeout(self._patience):
                outcome = await self._outcome(self._start(held, refused=refused), elsewhere)
        except TimeoutError as error:
            if self._left(held) > 0 and not refused:
                return self._unrenewed(held)
            raise BackendUnavailable(
                "The login is being renewed, which takes too long.",
                reason="login_not_renewed",
                retry_after=FIRST_BACK_OFF,
            ) from error
        match outcome:
            case Refreshed(token=token):
                return Replacement(token.access_token.reveal())
            case Lost(message=message):
                raise LoginRequired(message)
            case Postponed():
                return self._old_or_raise(held, outcome, refused=refused)
            case _:
                assert_never(outcome)

    def _old_or_raise(self, held: _Held, failure: Postponed, *, refused: bool) -> Replacement:
        if self._left(held) > 0 and not refused:
            return self._unrenewed(held)
        if failure.hopeless:
            return Replacement(held.token.access_token.reveal())
        if failure.misconfigured:
            raise AccountUnusable(failure.message, reason="wrong_region")
        if failure.storage:
            raise StoreError(failure.message)
        wait = max(self._retry_at - self._clock.monotonic(), 1.0)
        raise BackendUnavailable(failure.told or failure.message, reason="login_not_renewed", retry_after=wait)

    async def _outcome(self, attempt: asyncio.Task[Outcome], elsewhere: Elsewhere | None) -> Outcome:
        """Of a renewal that goes on whoever leaves. Raises LoginAwaited."""
        if elsewhere is not None:
            pause = max(0.0, self._attempt_began + self._short_patience - self._clock.monotonic())
            while not (await asyncio.wait([attempt], timeout=pause))[0]:
                if elsewhere():
                    raise LoginAwaited(
                        "The login is being renewed, and another account is free.",
                        reason="login_not_renewed",
                        retry_after=FIRST_BACK_OFF,
                    )
                pause = LOOK_SECONDS
        return await asyncio.shield(attempt)

    def _start(self, held: _Held, *, refused: bool = False) -> asyncio.Task[Outcome]:
        """The running renewal, or a new one. It belongs to nobody's request: whoever leaves does not stop it."""
        self._refused |= refused
        if self._attempt is None:
            self._attempt_began = self._clock.monotonic()
            self._attempt = asyncio.create_task(  # noqa: TID251 - held here, awaited by requests and by aclose
                self._run(held.token), context=contextvars.Context()
            )
        return self._attempt

    async def _run(self, known: Token) -> Outcome:
        self._tried = known.generation
        try:
            outcome = await self._renewal.renew(self._account_id, known)
        finally:
            self._attempt, self._refused = None, False
        now = self._clock.monotonic()
        if not isinstance(outcome, Postponed) or outcome.asked:
            self._calm_until = now + CALM_SECONDS
        match outcome:
            case Refreshed(token=token):
                self._failures, self._retry_at = 0, now
                self._hold(token, granted=True)
                self._keep(outcome)
            case Lost():
                self._held = None
            case Postponed(message=message):
                # A store that is away was asked for nothing, and is worth asking again soon.
                steps = 0 if outcome.storage else min(self._failures, 10)
                wait = min(FIRST_BACK_OFF * 2**steps, LONGEST_BACK_OFF)
                self._failures, self._retry_at, self._failure = self._failures + 1, now + wait, outcome
                log.warning("account %s: %s Next attempt in %.0f s at the earliest.", self._account_id, message, wait)
            case _:
                assert_never(outcome)
        return outcome

    def _keep(self, outcome: Refreshed) -> None:
        self._unsaved = None if outcome.unsaved is None else outcome.unsaved.after(self._unsaved)
        if self._unsaved is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(  # noqa: TID251 - held here, ended by aclose
                self._save_again(), context=contextvars.Context()
            )

    async def _save_again(self) -> None:
        while self._unsaved is not None:
            await self._clock.sleep(SAVE_AGAIN_SECONDS)
            await self._save()

    async def _save(self) -> None:
        unsaved = self._unsaved
        if unsaved is None:
            return
        try:
            await in_store(unsaved.save, self._store, self._account_id)
        except StoreError as error:
            log.critical("the renewed login of account %s is still not stored: %s", self._account_id, error.message)
            return
        if self._unsaved is unsaved:
            self._unsaved = None


class Hurried:
    """The tokens of an account for a call that another one can make, too.

    elsewhere: whether another account is free. It is asked when a renewal has taken `SHORT_PATIENCE_SECONDS`, and again
    while it goes on; both methods then raise LoginAwaited, besides what those of `AccountTokens` raise.
    """

    def __init__(self, tokens: AccountTokens, elsewhere: Elsewhere) -> None:
        self._tokens = tokens
        self._elsewhere = elsewhere

    async def token(self) -> str:
        return await self._tokens.token(self._elsewhere)

    async def renew(self, stale: str) -> Replacement:
        return await self._tokens.renew(stale, self._elsewhere)


class TokenKeeper:
    """The token sources of all accounts of `store` whose tokens end."""

    def __init__(
        self,
        store: Store,
        services: LoginServices,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] | None = None,
        patience: float = PATIENCE_SECONDS,
        short_patience: float = SHORT_PATIENCE_SECONDS,
    ) -> None:
        """jitter: seconds, drawn once per token. patience: seconds that a request waits for a renewal; short_patience:
        that a renewal has where another account is free.
        """
        self._store = store
        self._clock = clock or Clock()
        self._renewal = Renewal(store, services, clock=self._clock)
        self._accord = Accord(store, now=self._clock.now)
        self._jitter = jitter or _jitter
        self._patience = patience
        self._short_patience = short_patience
        self._sources: dict[str, AccountTokens] = {}

    def source(self, account_id: str) -> AccountTokens:
        """Always the same one for an account, so that all its requests share one renewal."""
        source = self._sources.get(account_id)
        if source is None:
            source = self._sources[account_id] = AccountTokens(
                account_id,
                self._store,
                self._renewal,
                clock=self._clock,
                jitter=self._jitter,
                patience=self._patience,
                short_patience=self._short_patience,
            )
        return source

    def accounts(self) -> list[Account]:
        """All accounts, for a thread. What other programs have done for those that need a login is in them."""
        return self._accord.accounts()

    async def aclose(self) -> None:
        """Wait for running renewals, 10 s at most, because each may have spent a refresh token already, and 30 s for a
        store that does not take what one has given.
        """
        async with asyncio.TaskGroup() as group:
            for source in self._sources.values():
                group.create_task(source.aclose(CLOSING_SECONDS))
        await self._renewal.aclose()


def _jitter() -> float:
    return random.uniform(-JITTER_SECONDS, JITTER_SECONDS)  # noqa: S311 - spreads load, guards nothing
