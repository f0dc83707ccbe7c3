"""A pool of accounts with a clock that a test sets."""

from collections.abc import Sequence

from cwproxy.accounts.pool import (
    Busy,
    Change,
    Choice,
    Exhausted,
    Failed,
    Failure,
    FailureClass,
    Lease,
    Member,
    MemberReport,
    Outcome,
    Policy,
    Pool,
    Served,
    Want,
)

START = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""


class Pond:
    """`now` moves only when a test moves it. Chance is always 0.5: no jitter. `changes`: all that the pool has told."""

    def __init__(self, *members: Member | str, policy: Policy | None = None) -> None:
        self.now = START
        self.pool = Pool(policy)
        self.changes: list[Change] = []
        self.become(*members)

    def become(self, *members: Member | str) -> None:
        self.pool.update(
            [member if isinstance(member, Member) else Member(member, member.upper()) for member in members], self.now
        )

    def choose(self, model: str | None = None, *, sticky: str | None = None, tried: Sequence[str] = ()) -> Choice:
        return self.pool.choose(Want(model, sticky, frozenset(tried)), self.now, 0.5)

    def lease(self, model: str | None = None, *, sticky: str | None = None, tried: Sequence[str] = ()) -> Lease:
        choice = self.choose(model, sticky=sticky, tried=tried)
        assert isinstance(choice, Lease), choice
        return choice

    def exhausted(self, model: str | None = None, *, tried: Sequence[str] = ()) -> Exhausted:
        choice = self.choose(model, tried=tried)
        assert isinstance(choice, Exhausted), choice
        return choice

    def busy(self, model: str | None = None) -> bool:
        return isinstance(self.choose(model), Busy)

    def settle(self, lease: Lease, outcome: Outcome) -> list[Change]:
        changes = list(self.pool.settle(lease, outcome, self.now, 0.5))
        self.changes += changes
        return changes

    def fail(self, lease: Lease, kind: FailureClass, **facts: float | str | None) -> list[Change]:
        return self.settle(lease, Failed(failure(kind, **facts)))

    def serve(self, *, model: str | None = None, tried: Sequence[str] = ()) -> str:
        """One good call; the account that made it."""
        lease = self.lease(model, tried=tried)
        self.settle(lease, Served(1.0))
        return lease.account_id

    def trouble(self, account_id: str, kind: FailureClass, **facts: float | str | None) -> list[Change]:
        """One call that fails on that account. Others are given back unjudged."""
        return self.fail(self.lease_on(account_id), kind, **facts)

    def lease_on(self, account_id: str, model: str | None = None) -> Lease:
        others = [report.account_id for report in self.pool.report(self.now) if report.account_id != account_id]
        lease = self.lease(model, tried=others)
        assert lease.account_id == account_id
        return lease

    def report(self, account_id: str) -> MemberReport:
        return next(report for report in self.pool.report(self.now) if report.account_id == account_id)

    def wait(self, seconds: float) -> None:
        self.now += seconds


def failure(kind: FailureClass, **facts: float | str | None) -> Failure:
    return Failure(
        kind,
        retry_after=_number(facts.get("retry_after")),
        until=_number(facts.get("until")),
        reason=_text(facts.get("reason")),
        model=_text(facts.get("model")),
        detail=_text(facts.get("detail")) or "",
    )


def _number(value: float | str | None) -> float | None:
    assert value is None or isinstance(value, float | int)
    return value


def _text(value: float | str | None) -> str | None:
    assert value is None or isinstance(value, str)
    return value
