"""Accounts that are logged in without any login: each is ready for calls as the test says."""

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.records import an_account

from cwproxy.accounts.declarations import Limits
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.pool import Policy
from cwproxy.accounts.selection import Selected, Selector
from cwproxy.auth.clock import Clock
from cwproxy.store import Account, Store
from cwproxy.store.cooldowns import CoolDowns


class FixedSelector(Selector):
    """Knows beforehand what it is asked for."""

    def __init__(self, ready: Mapping[str, Selected]) -> None:
        self._ready = ready

    def selected(self, account: Account) -> Selected:
        return self._ready[account.id]


@asynccontextmanager
async def fleet(
    *ready: Selected,
    policy: Policy | None = None,
    clock: Clock | None = None,
    chance: Callable[[], float] = random.random,
    limits: Mapping[str, Limits] | None = None,
) -> AsyncIterator[Accounts]:
    """The accounts of `ready`, the first one the oldest, in a store of their own."""
    with TemporaryDirectory() as directory, Store.open(Path(directory) / "data") as store:
        for number, selected in enumerate(ready):
            store.add(an_account(selected.account_id, label=selected.account_id, created_at=float(number)))
        selector = FixedSelector({selected.account_id: selected for selected in ready})
        accounts = Accounts(
            store, CoolDowns(store.database), selector, policy=policy, clock=clock, chance=chance, limits=limits
        )
        yield accounts
        await accounts.aclose()
