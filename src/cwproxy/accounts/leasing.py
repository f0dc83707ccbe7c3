"""The accounts as the service sees them: a turn on one of them, and what came of it.

The pool decides, the store remembers, the queue waits; this is where they meet. With one account and nothing wrong, a
turn costs a few microseconds and no thread.
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from cwproxy.accounts.budget import Budget
from cwproxy.accounts.declarations import Limits
from cwproxy.accounts.pool import (
    Busy,
    Change,
    Choice,
    Exhausted,
    Failed,
    FailureClass,
    Lease,
    Left,
    Member,
    Outcome,
    Policy,
    Pool,
    Shortage,
    Standing,
    Strategy,
    Want,
)
from cwproxy.accounts.pool.changes import ACCOUNT, OFF, QUOTA
from cwproxy.accounts.pool.report import MemberReport
from cwproxy.accounts.queue import Queue, worth_waiting
from cwproxy.accounts.selection import Selected, Selector, why_none
from cwproxy.accounts.sharing import News, Sharing
from cwproxy.accounts.shortages import error_of, overloaded
from cwproxy.auth.clock import Clock
from cwproxy.codewhisperer.surfaces import chat_base
from cwproxy.errors import CwproxyError, LoginRequired, SettingsError
from cwproxy.store import Account, AccountKind, AccountState, Store
from cwproxy.store.cooldowns import CoolDowns

log = logging.getLogger("cwproxy.accounts")

QUEUE_SECONDS = 10.0
"""How long a request waits for an account at most (reliability.md 1.8)."""

STORED_SECONDS = 2.0
LONG_SECONDS = 30.0
"""Accounts that are all out for longer than this are no reason to send requests here."""


class Turn:
    """One call may be made with `selected`; whoever has it owes a `settle`."""

    __slots__ = ("_accounts", "_lease", "selected")

    def __init__(self, selected: Selected, lease: Lease, accounts: "Accounts") -> None:
        self.selected = selected
        self._lease: Lease | None = lease
        self._accounts = accounts

    def heard(self) -> None:
        """The backend has begun to answer, with content."""
        if self._lease is not None:
            self._accounts.heard(self._lease)

    def settle(self, outcome: Outcome) -> None:
        """Once; what is said later is not heard."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self._accounts.settle(lease, outcome)


class _Quota(msgspec.Struct, frozen=True):
    fraction_left: float | None
    resets_at: float | None


class State(msgspec.Struct, frozen=True):
    """ready: a request would find an account, now or soon. detail: a sentence for the operator, who may know labels,
    files and users. counts: one for anybody.
    """

    ready: bool
    detail: str
    counts: str


class Accounts:
    """The accounts of `store`. Used in one event loop; `aclose` ends what runs beside the requests."""

    def __init__(
        self,
        store: Store,
        cooldowns: CoolDowns,
        selector: Selector,
        *,
        policy: Policy | None = None,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
        accounts: Callable[[], Sequence[Account]] | None = None,
        limits: Mapping[str, Limits] | None = None,
    ) -> None:
        """chance: uniform in [0, 1). accounts: see `Sharing`. limits: by account id, where the file has any."""
        policy = policy or Policy()
        self.sticky = policy.strategy is Strategy.STICKY
        """Whether `Want.sticky` is of any use."""
        self.pool = Pool(policy)
        self.budget = Budget()
        """What the process may spend on repetitions."""
        self._clock = clock or Clock()
        self._chance = chance
        self._selector = selector
        self._sharing = Sharing(store, cooldowns, heard=self._hear, clock=self._clock, accounts=accounts)
        self._queue = Queue(self._choose, self._give_back, self._tick)
        self._accounts: tuple[Account, ...] = ()
        self._selected: dict[str, Selected] = {}
        self._usable: tuple[Selected, ...] = ()
        self._changed = False
        self._members: tuple[Member, ...] = ()
        self._limits = limits or {}
        self._models: dict[str, frozenset[str]] = {}
        self._quotas: dict[str, _Quota] = {}
        self._resting: dict[str, float | None] = {}

    async def aclose(self) -> None:
        await self._sharing.aclose()

    async def lease(self, want: Want, *, within: float = QUEUE_SECONDS) -> Turn:
        """An account that `want` may be asked of, after `within` seconds in the queue at most.

        Raises, by the reason that there is none: LoginRequired, AccountUnusable, QuotaExhausted, Throttled,
        ModelNotFound, ModelUnavailable, BackendUnavailable, Overloaded; and StoreError.
        """
        await self._sharing.fresh()
        while True:
            choice = self._queue.at_once(want)
            if isinstance(choice, Busy) or (isinstance(choice, Exhausted) and worth_waiting(choice)):
                choice = await self._queue.wait(want, places=2 * self.pool.capacity(), within=within)
            if not isinstance(choice, Lease):
                raise self._error(choice)
            turn = self._turn(choice)
            if turn is not None:
                return turn
            want = _without(want, choice)  # the account has gone while this was on its way here

    def other(self, want: Want) -> Turn | Busy | Exhausted:
        """The same at once or not at all: for a request that has waited already and is in the middle of its work."""
        while isinstance(choice := self._choose(want), Lease):
            turn = self._turn(choice)
            if turn is not None:
                return turn
            want = _without(want, choice)
        return choice

    def is_free(self, want: Want) -> bool:
        """Whether an account that is well could be leased at once."""
        return self.pool.is_free(want, self._clock.now())

    def ready(self, want: Want) -> Want:
        """The same, but for accounts whose logins are being renewed."""
        return replace(want, tried=want.tried.union(it.account_id for it in self._usable if it.awaited))

    async def usable(self) -> tuple[Selected, ...]:
        """The accounts with which calls can be made, oldest first, whether they rest or not; the same object as long as
        nothing has changed. Raises LoginRequired when there are none, and StoreError.
        """
        await self._sharing.fresh()
        if not self._usable:
            raise LoginRequired(self._why_none())
        return self._usable

    def resting(self, account_id: str) -> bool:
        """Whether nothing should be asked of it: it is out of quota, switched off, or a person has to help."""
        if any(member.id == account_id and member.standing is not Standing.READY for member in self._members):
            return True
        until = self._resting.get(account_id, 0.0)
        return until is None or until > self._clock.now()

    async def state(self) -> State:
        """Whether any account is fit for use, how many are, and what is wrong with the others. Raises StoreError."""
        await self._sharing.fresh()
        standings = [member.standing for member in self._members]
        ready = standings.count(Standing.READY)
        wrong = [f"{standings.count(it)} {_WORDS[it]}" for it in _WORDS if it in standings]
        if not ready:
            none = "no account can be used" if standings else "no account is logged in"
            return State(False, self._why_none(), "; ".join([none, *wrong]))
        short = self.pool.shortage(Want(), self._clock.now())
        count = "an account is" if len(standings) == 1 else f"{ready} of {len(standings)} accounts are"
        said = "; ".join([f"{count} logged in", *wrong])
        if isinstance(short, Exhausted):
            said = f"{said}. {short.detail}"
        return State(not _lasts(short), said, said)

    def may_serve(self, account_id: str, model_id: str) -> bool:
        """Unless its declaration leaves the model out."""
        models = self._limits.get(account_id, Limits()).models
        return models is None or model_id in models

    def learn_models(self, account_id: str, models: frozenset[str] | None) -> None:
        """What the account lists; None where it lists nothing and may be asked anything."""
        if self._models.get(account_id) != models:
            if models is None:
                self._models.pop(account_id)
            else:
                self._models[account_id] = models
            self._update()

    def learn_quota(self, account_id: str, fraction_left: float | None, resets_at: float | None) -> None:
        """fraction_left: 0 to 1. resets_at: epoch seconds."""
        self._quotas[account_id] = _Quota(fraction_left, resets_at)
        self._update()

    async def report(self) -> Mapping[str, MemberReport]:
        """Everything that is known of each account, by its id. Raises StoreError."""
        await self._sharing.fresh()
        return {report.account_id: report for report in self.pool.report(self._clock.now())}

    def recover(self, account_id: str) -> None:
        """A person says that the account is well: nothing is held against it, and repetitions need not be saved."""
        self.budget.refill()
        self._found(self.pool.recover(account_id, self._clock.now()))
        self._queue.serve()

    async def stored(self) -> None:
        """What was found last, or a person has said, is in the store, unless that takes too long."""
        await self._sharing.written(STORED_SECONDS)

    def _choose(self, want: Want) -> Choice:
        return self.pool.choose(want, self._clock.now(), self._chance())

    def _turn(self, lease: Lease) -> Turn | None:
        """None, and the lease is given back, where no call can be made with its account any more."""
        selected = self._selected.get(lease.account_id)
        if selected is None:
            self._give_back(lease)
            return None
        return Turn(selected, lease, self)

    def heard(self, lease: Lease) -> None:
        """See `Turn.heard`."""
        self._found(self.pool.heard(lease, self._clock.now()))

    def settle(self, lease: Lease, outcome: Outcome) -> None:
        """See `Turn.settle`."""
        if isinstance(outcome, Failed):
            outcome = self._judged(lease, outcome)
        self._found(self.pool.settle(lease, outcome, self._clock.now(), self._chance()))
        if len(self._queue):
            self._queue.serve()

    def _judged(self, lease: Lease, outcome: Failed) -> Failed:
        failure = outcome.failure
        if failure.kind is FailureClass.CREDENTIAL and self._is_iam(lease):
            # No login of ours is behind it, so that none can heal it: it is asked again after a while.
            failure = replace(failure, kind=FailureClass.REFUSED)
        if failure.kind is FailureClass.REFUSED:
            log.warning("account %s: %s (%s)", lease.account_id, failure.kind.value, failure.detail)
        return Failed(failure)

    def _is_iam(self, lease: Lease) -> bool:
        return any(it.id == lease.account_id and it.kind is AccountKind.IAM for it in self._accounts)

    def _give_back(self, lease: Lease) -> None:
        self.settle(lease, Left())

    def _tick(self) -> None:
        self._sharing.refresh()

    def _found(self, changes: Sequence[Change]) -> None:
        if changes:
            self._note(changes)
            self._sharing.tell(changes)
            standings = [change for change in changes if change.scope == ACCOUNT]
            for change in standings:
                level = logging.INFO if change.state == Standing.READY.value else logging.ERROR
                log.log(level, "account %s: %s (%s)", change.account_id, change.state, change.detail)
            if standings:
                self._update()

    def _note(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.scope == QUOTA:
                if change.state != OFF:
                    self._resting[change.account_id] = change.until
                else:
                    self._resting.pop(change.account_id, None)

    def _hear(self, news: News) -> None:
        if news.accounts != self._accounts:
            self._accounts = news.accounts
            self._select()
        self._update()
        if news.changes:
            self._note(news.changes)
            self.pool.adopt(news.changes, self._clock.now())
        if len(self._queue):
            self._queue.serve()

    def _select(self) -> None:
        self._selected, self._changed = {}, True
        for account in self._accounts:
            try:
                self._selected[account.id] = self._selector.selected(account)
            except (LoginRequired, SettingsError):
                continue  # said by `_member` and `_why_none`

    def _update(self) -> None:
        members = tuple(self._member(account) for account in self._accounts)
        if self._changed or members != self._members:
            self._changed = False
            disabled = {member.id for member in self._members if member.standing is Standing.DISABLED}
            enabled = [it.id for it in members if it.id in disabled and it.standing is Standing.READY]
            self._members = members
            self._usable = tuple(self._selected[it.id] for it in members if it.standing is Standing.READY)
            self.pool.update(members, self._clock.now())
            for account_id in enabled:  # `cwproxy accounts enable`: this process's breakers are not in the store
                self._found(self.pool.recover(account_id, self._clock.now()))

    def _member(self, account: Account) -> Member:
        selected = self._selected.get(account.id)
        quota = self._quotas.get(account.id)
        limits = self._limits.get(account.id, Limits())
        return Member(
            id=account.id,
            label=account.label,
            weight=account.weight,
            models=limits.served(self._models.get(account.id)),
            in_flight_limit=limits.in_flight,
            model_limits=limits.by_model,
            standing=self._standing(account) if selected is not None else Standing.MISCONFIGURED,
            firm=selected is None,
            endpoint="" if selected is None else urlsplit(chat_base(selected.target)).netloc,
            fraction_left=quota.fraction_left if quota is not None else None,
            resets_at=quota.resets_at if quota is not None else None,
        )

    def _standing(self, account: Account) -> Standing:
        return Standing.DISABLED if account.disabled else Standing(self._newest(account).state.value)

    def _error(self, choice: Busy | Exhausted) -> CwproxyError:
        if isinstance(choice, Busy):
            return overloaded(random=self._chance())
        if choice.reason in (Shortage.NONE_LOGGED_IN, Shortage.CREDENTIALS, Shortage.SUSPENDED) and not any(
            member.standing is Standing.READY for member in self._members
        ):
            return LoginRequired(self._why_none())
        return error_of(choice, random=self._chance())

    def _why_none(self) -> str:
        enabled = [self._newest(account) for account in self._accounts if not account.disabled]
        for account in enabled:
            if account.state is AccountState.ACTIVE and account.id not in self._selected:
                try:
                    self._selector.selected(account)
                except (LoginRequired, SettingsError) as error:
                    return error.message
        return why_none(enabled)

    def _newest(self, account: Account) -> Account:
        untold = self._sharing.untold(account.id)
        return (
            account
            if untold is None
            else replace(account, state=AccountState(untold.state), state_detail=untold.detail)
        )


def _lasts(short: Busy | Exhausted | None) -> bool:
    """Whether no account can serve for long, and for a reason of its own: not because of the backend or the load."""
    if not isinstance(short, Exhausted) or short.reason not in _OUT:
        return False
    return short.retry_after is None or short.retry_after > LONG_SECONDS


def _without(want: Want, lease: Lease) -> Want:
    """Never for the same account again, so that whoever asks until there is a turn comes to an end."""
    return replace(want, tried=want.tried | {lease.account_id})


_OUT = frozenset({Shortage.QUOTA, Shortage.CREDENTIALS, Shortage.SUSPENDED, Shortage.NONE_LOGGED_IN})
_WORDS = {
    Standing.NEEDS_LOGIN: "without a valid login",
    Standing.SUSPENDED: "suspended by AWS",
    Standing.MISCONFIGURED: "cannot be used as they are set up",
    Standing.DISABLED: "switched off",
}
