"""The accounts, and which of them makes the next call (reliability.md 1.2, 1.8).

Three kinds of trouble are told apart: what AWS says of an account is a state that ends at its time; failures without
such words trip the breaker of the account, of the endpoint or of the model. Calls are numbered, so that a late failure
of an early call is not taken for news.
"""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

import msgspec

from cwproxy.accounts.pool.breaker import Fact, Slot
from cwproxy.accounts.pool.changes import Change
from cwproxy.accounts.pool.classes import Failed, Failure, FailureClass, Left, Outcome, Served
from cwproxy.accounts.pool.endpoints import Endpoint
from cwproxy.accounts.pool.members import Busy, Choice, Exhausted, Lease, Member, Shortage, Want
from cwproxy.accounts.pool.policy import Policy
from cwproxy.accounts.pool.report import EndpointReport, MemberReport, breaker_report, member_report
from cwproxy.accounts.pool.shortages import exhausted
from cwproxy.accounts.pool.states import Fit, MemberState, Obstacle
from cwproxy.accounts.pool.strategies import Rotation
from cwproxy.accounts.pool.survey import Survey

CLOCK_STEP: Final = 5.0
"""Seconds by which the clock must fall back before that counts as its having been set."""

_BUSY: Final = Busy()


class _Held(msgspec.Struct, frozen=True):
    account: MemberState
    endpoint: Endpoint
    slots: Sequence[Slot]


class Pool:
    """Not thread-safe: it belongs to one event loop. `now` is epoch seconds, `random` uniform in [0, 1)."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self._accounts: list[MemberState] = []
        self._leaving: dict[str, MemberState] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._rotation = Rotation(self._policy)
        self._held: dict[int, _Held] = {}
        self._unclaimed: dict[tuple[str, str], Change] = {}
        self._number = 0
        self._latest = 0.0

    def update(self, members: Sequence[Member], now: float) -> None:
        """These are the accounts from now on. The state of those that stay is kept, also of one that comes back
        while its calls are still under way.
        """
        self._look_at_clock(now)
        known = self._leaving | {account.member.id: account for account in self._accounts}
        self._accounts = []
        for member in {member.id: member for member in members}.values():
            endpoint = self._endpoint(member.endpoint)
            account = known.pop(member.id, None)
            if account is None:
                account = MemberState(member, endpoint, self._policy, turn=self._rotation.front)
            else:
                account.replace(member, endpoint, now)
            self._accounts.append(account)
        self._leaving = {name: account for name, account in known.items() if account.load.in_flight}
        used = {account.endpoint.name for account in self._accounts}
        self._endpoints = {name: endpoint for name, endpoint in self._endpoints.items() if name in used}
        self._claim()

    def choose(self, want: Want, now: float, random: float) -> Choice:
        """An account for one attempt. A Lease must be settled in every case."""
        self._look_at_clock(now)
        survey = self._survey(want, now)
        candidates = survey.candidates(first=not want.tried)
        if candidates:
            chosen = self._rotation.pick(candidates, want.sticky, first=not want.tried)
            return self._lease(chosen, want, now, probe=chosen in survey.probes)
        last = self._last_resort(survey, want, now)
        return self._lease(last, want, now, probe=True) if isinstance(last, MemberState) else last

    def shortage(self, want: Want, now: float) -> Busy | Exhausted | None:
        """Why `choose` would give no lease, or None if it would. To ask takes nobody's turn."""
        self._look_at_clock(now)
        survey = self._survey(want, now)
        if survey.candidates(first=not want.tried):
            return None
        last = self._last_resort(survey, want, now)
        return None if isinstance(last, MemberState) else last

    def is_free(self, want: Want, now: float) -> bool:
        """Whether there is an account that is well and could take the call at once. To ask takes nobody's turn."""
        self._look_at_clock(now)
        return bool(self._survey(want, now).fitting)

    def heard(self, lease: Lease, now: float) -> Sequence[Change]:
        """The backend has begun to answer, with content: its endpoint, its model and the account are well so far.
        Without this call all that is learnt at the end of the answer.
        """
        held = self._held.get(lease.number)
        if held is None:
            return ()
        held.endpoint.served(lease.model, lease.number, now)
        return held.account.heard(lease.number, now)

    def settle(self, lease: Lease, outcome: Outcome, now: float, random: float) -> Sequence[Change]:
        """The call has ended. What is to be stored and told to other replicas; nothing, mostly. A lease that was
        settled before is ignored.
        """
        self._look_at_clock(now)
        held = self._held.pop(lease.number, None)
        if held is None:
            return ()
        account = held.account
        account.load.end(lease.model)
        for slot in held.slots:
            slot.release(lease.number)
        if not account.load.in_flight and account.member.id in self._leaving:
            del self._leaving[account.member.id]
        match outcome:
            case Left():
                return ()
            case Served():
                account.requests += 1
                held.endpoint.served(lease.model, lease.number, now)
                return account.served(lease.number, now)
            case Failed(failure=failure):
                account.requests += 1
                return self._failed(held, lease, failure, Fact(lease.number, self._number, now, random, failure.detail))
            case _:
                assert_never(outcome)

    def adopt(self, changes: Iterable[Change], now: float) -> None:
        """What other replicas have found, or this one before it was restarted. Its own changes may be among them, and
        those of accounts that are not known yet.
        """
        self._look_at_clock(now)
        for change in changes:
            self._unclaimed[change.account_id, change.scope] = change
        self._claim()

    def recover(self, account_id: str, now: float) -> Sequence[Change]:
        """A person says that the account is well: blacklist, cool-downs, quota and breakers are forgotten, those of its
        endpoint too. An account that is disabled stays so.
        """
        self._look_at_clock(now)
        found: list[Change] = []
        for account in self._accounts:
            if account.member.id == account_id:
                account.endpoint.recover(now)
                found += account.recover(now)
        return found

    def capacity(self) -> int:
        """Calls that may be in flight at the same time, over all accounts that nobody must heal first."""
        return sum(account.load.allowed for account in self._accounts if account.usable)

    def report(self, now: float) -> Sequence[MemberReport]:
        """One per account, in the order of `update`."""
        return [member_report(account, now) for account in self._accounts]

    def endpoints(self, now: float) -> Sequence[EndpointReport]:
        return [
            EndpointReport(
                endpoint.name,
                breaker_report(endpoint.breaker, now),
                {model: breaker_report(breaker, now) for model, breaker in endpoint.models.items()},
            )
            for endpoint in self._endpoints.values()
        ]

    def _survey(self, want: Want, now: float) -> Survey:
        model, tried = want.model, want.tried
        survey = Survey()
        fitting = survey.fitting
        for account in self._accounts:
            found = account.examine(model, now)
            if found is Fit.HEALTHY and not tried:
                fitting.append(account)
            else:
                survey.add(account, found, tried=account.member.id in tried)
        return survey

    def _last_resort(self, survey: Survey, want: Want, now: float) -> MemberState | Busy | Exhausted:
        """Nothing that is well is free. One open account without alternatives goes on serving; of several, each may
        be tried once in a while.
        """
        if survey.busy:
            return _BUSY
        roomy = [account for account in survey.opened if account.load.has_room(want.model)]
        if survey.lone:
            return roomy[0] if roomy else _BUSY
        pause = self._policy.panic_pause
        rested = [account for account in roomy if now - account.breaker.slot.since >= pause]
        if rested:
            return min(rested, key=lambda account: account.breaker.slot.since)
        for account in survey.opened:
            until = min(account.breaker.until, account.breaker.slot.since + pause)
            survey.obstacles.append(Obstacle(Shortage.BREAKER, until))
        return exhausted(survey.obstacles, now)

    def _lease(self, account: MemberState, want: Want, now: float, *, probe: bool) -> Lease:
        self._number += 1
        lease = Lease(account.member.id, probe, self._number, want.model)
        self._held[lease.number] = _Held(account, account.endpoint, account.take(lease, now))
        return lease

    def _failed(self, held: _Held, lease: Lease, failure: Failure, fact: Fact) -> Sequence[Change]:
        model = failure.model or lease.model
        account, endpoint = held.account, held.endpoint
        others = [each for each in self._accounts if each is not account and each.could_replace(model, fact.now)]
        found = account.failed(failure, fact, model, lone=not others)
        match failure.kind:
            case FailureClass.CONNECTION:
                endpoint.unreachable(fact)
            case FailureClass.SERVER | FailureClass.TIMEOUT:
                neighbours = sum(each.endpoint is endpoint for each in others)
                blameless = endpoint.ailing(fact, account=account.member.id, usable=neighbours + 1)
                for each in self._accounts:
                    if each.member.id in blameless:
                        each.forgive()
            case FailureClass.CAPACITY:
                endpoint.reached(fact.number, fact.now)
                endpoint.model(model, fact.now).failed(fact)
            case _:
                endpoint.reached(fact.number, fact.now)
        return found

    def _endpoint(self, name: str) -> Endpoint:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            endpoint = self._endpoints[name] = Endpoint(name, self._policy)
        return endpoint

    def _claim(self) -> None:
        """Give the changes to the accounts that have come; those that are not shared belong to none."""
        if not self._unclaimed:
            return
        known = {account.member.id: account for account in self._accounts}
        for key, change in list(self._unclaimed.items()):
            account = known.get(change.account_id)
            if account is not None:
                account.adopt(change, self._number)
                del self._unclaimed[key]

    def _look_at_clock(self, now: float) -> None:
        """Where the clock was set back, what was to last for a minute still does."""
        back = self._latest - now
        if back > CLOCK_STEP:
            for account in (*self._accounts, *self._leaving.values()):
                account.shift(back)
            for endpoint in self._endpoints.values():
                endpoint.shift(back)
        if back < 0 or back > CLOCK_STEP:
            self._latest = now
