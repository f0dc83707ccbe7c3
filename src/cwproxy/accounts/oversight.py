"""What an operator sees of the accounts, and may do to them."""

from collections.abc import Callable, Mapping

import msgspec

from cwproxy.accounts.bookkeeping import Bookkeeper
from cwproxy.accounts.figures import Figures, figures, iso
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.pool.members import Standing
from cwproxy.accounts.pool.report import MemberReport
from cwproxy.accounts.quotas import Quota, Quotas
from cwproxy.store import Account, Store
from cwproxy.store.threads import in_store


class AllowanceView(msgspec.Struct, frozen=True):
    """In the resource's own unit."""

    resource: str
    used: float
    limit: float | None
    overage: float
    resets_at: str | None


class QuotaView(msgspec.Struct, frozen=True):
    """problem: why the last reading failed, null if it did not."""

    read_at: str
    plan: str | None
    fraction_left: float | None
    allowances: list[AllowanceView]
    problem: str | None


class AccountView(msgspec.Struct, frozen=True):
    """An account. state, state_detail: as stored; pool: what this process has found out; figures: of this process."""

    id: str
    label: str
    kind: str
    surface: str | None
    region: str
    profile_arn: str | None
    state: str
    state_detail: str
    disabled: bool
    weight: float
    quota: QuotaView | None
    pool: MemberReport | None
    figures: Figures | None


class Oversight:
    """Every method raises StoreError. Those that change an account return whether there is one of that id."""

    def __init__(
        self, store: Store, accounts: Accounts, books: Bookkeeper, quotas: Quotas, *, wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._books = books
        self._quotas = quotas
        self._wall = wall

    async def accounts(self) -> list[AccountView]:
        """All of them, oldest first, with quotas that are at most five minutes old where they can be had."""
        accounts = await in_store(self._store.accounts)
        report = await self._accounts.report()
        await self._quotas.refresh([account.id for account in accounts if _may_be_asked(account, report)])
        report = await self._accounts.report()  # with what was read
        return [self._view(account, report.get(account.id)) for account in accounts]

    async def account(self, account_id: str) -> AccountView | None:
        account = await in_store(self._store.account, account_id)
        return None if account is None else self._view(account, (await self._accounts.report()).get(account_id))

    async def recover(self, account_id: str) -> bool:
        """Clear every cool-down, breaker and lasting refusal. A login that has ended is tried once more."""
        if await in_store(self._store.account, account_id) is None:
            return False
        await self._accounts.report()  # so that the pool knows it
        self._accounts.recover(account_id)
        await self._accounts.stored()
        return True

    async def set_disabled(self, account_id: str, *, disabled: bool) -> bool:
        """What is asked `sharing.BELIEVED_SECONDS` later does not go there; what is being answered is."""
        return await in_store(self._store.set_disabled, account_id, disabled)

    def _view(self, account: Account, pool: MemberReport | None) -> AccountView:
        tally = self._books.statistics.accounts.get((account.id,))
        return AccountView(
            id=account.id,
            label=account.label,
            kind=account.kind.value,
            surface=account.surface,
            region=account.sso_region,
            profile_arn=account.profile_arn,
            state=account.state.value,
            state_detail=account.state_detail,
            disabled=account.disabled,
            weight=account.weight,
            quota=quota_view(self._quotas.quota(account.id)),
            pool=pool,
            figures=None if tally is None else figures(tally.summary(self._wall())),
        )


def _may_be_asked(account: Account, report: Mapping[str, MemberReport]) -> bool:
    """Not what is switched off, needs a person, or is suspended, and to be left alone (backend-rules.md A6 75)."""
    found = report.get(account.id)
    return not account.disabled and found is not None and found.standing is Standing.READY


def quota_view(quota: Quota | None) -> QuotaView | None:
    if quota is None:
        return None
    limits = quota.limits
    fraction = None if limits is None else limits.fraction_left()
    return QuotaView(
        read_at=iso(quota.read_at),
        plan=None if limits is None else limits.plan,
        fraction_left=None if fraction is None else round(fraction, 4),
        allowances=[
            AllowanceView(
                resource=each.resource,
                used=each.used,
                limit=each.limit,
                overage=each.overage,
                resets_at=None if each.resets_at is None else iso(each.resets_at),
            )
            for each in (() if limits is None else limits.allowances)
        ],
        problem=quota.problem or None,
    )
