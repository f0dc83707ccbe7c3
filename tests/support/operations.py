"""The books and the oversight of an app under test, with a backend that says what the test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.records import NOW

from cwproxy.accounts.bookkeeping import Bookkeeper
from cwproxy.accounts.leasing import Accounts
from cwproxy.accounts.oversight import Oversight
from cwproxy.accounts.quotas import Quotas
from cwproxy.accounts.reports import Reports
from cwproxy.accounts.selection import Routing, Selector
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.api.admin import Operations
from cwproxy.auth.clock import Clock
from cwproxy.auth.services import LoginServices
from cwproxy.codewhisperer.catalog import Allowance, UsageLimits
from cwproxy.errors import BackendUnavailable
from cwproxy.store import Store, open_database
from cwproxy.store.cooldowns import CoolDowns
from cwproxy.store.ledger import Ledger

LIMITS = UsageLimits("Pro", NOW + 100, False, (Allowance("CREDIT", 250.0, 1000.0, resets_at=NOW + 100),))


LEFT_OUT = {"newEvent": 2, "codeEvent": 7}
"""Events of the backend that nobody understood."""


@dataclass(frozen=True, slots=True)
class Made:
    operations: Operations
    store: Store
    books: Bookkeeper
    accounts: Accounts


@asynccontextmanager
async def made_operations(
    directory: Path, *, limits: UsageLimits | None = LIMITS, now: float = NOW
) -> AsyncIterator[Made]:
    """limits: what GetUsageLimits answers; None for a failure. now: where the wall clock stands."""

    async def read(account_id: str) -> UsageLimits:
        if limits is None:
            raise BackendUnavailable("It is away.")
        return limits

    with Store.open(directory) as store:
        books = Bookkeeper(Ledger(store.database), retention_days=90, wall=lambda: now, gather=0.01)
        await books.start()
        routing = Routing(endpoint="http://127.0.0.1:9")
        selector = Selector(store, TokenKeeper(store, LoginServices(endpoint=routing.endpoint)), routing)
        accounts = Accounts(store, CoolDowns(store.database), selector, clock=Clock(now=lambda: now))
        quotas = Quotas(read, books.statistics.attempts, wall=lambda: now)
        reports = Reports(lambda: open_database(directory))
        oversight = Oversight(store, accounts, books, quotas, wall=lambda: now)
        yield Made(Operations(books, reports, oversight, NOW - 60, lambda: now, LEFT_OUT), store, books, accounts)
        await reports.aclose()
        await quotas.aclose()
        await accounts.aclose()
        await books.aclose()
