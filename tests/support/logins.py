"""A store, a login service and a clock, with one account in it: what the tests of `accounts` begin with."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.fake_clock import FakeClock
from tests.support.oidc_server import OidcServer, oidc_server
from tests.support.records import NOW, a_registration, an_account

from cwproxy.accounts.tokens import SHORT_PATIENCE_SECONDS, TokenKeeper
from cwproxy.auth.services import LoginServices
from cwproxy.store import Account, Secret, Store, Token
from cwproxy.store.sqlite import FILE_NAME

OLD = "canary-access-0"
NEW = "canary-access-1"

END_LOCKS = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""In PostgreSQL, as a fail-over would."""


@dataclass
class Logins:
    """The account `one` is logged in with the token that the service expects to renew."""

    directory: Path
    store: Store
    server: OidcServer
    time: FakeClock
    keeper: TokenKeeper

    def keeper_of(
        self,
        store: Store | None = None,
        *,
        jitter: float = 0.0,
        patience: float = 15.0,
        short_patience: float = SHORT_PATIENCE_SECONDS,
    ) -> TokenKeeper:
        return TokenKeeper(
            store or self.store,
            LoginServices(endpoint=self.server.url),
            clock=self.time.clock,
            jitter=lambda: jitter,
            patience=patience,
            short_patience=short_patience,
        )

    @property
    def token(self) -> Token:
        token = self.store.token("one")
        assert token is not None
        return token

    @property
    def account(self) -> Account:
        account = self.store.account("one")
        assert account is not None
        return account

    def expire(self, left: float = 0.0) -> None:
        """Let the stored token have `left` seconds to live."""
        self.time.advance(self.token.expires_at - self.time.wall - left)

    def sql(self, statement: str) -> None:
        """Meddle with the file, as another process would."""
        database = sqlite3.connect(self.directory / FILE_NAME)
        with database:
            database.execute(statement)
        database.close()

    def script(self, statements: str) -> None:
        """The same with several statements, separated by semicolons."""
        database = sqlite3.connect(self.directory / FILE_NAME)
        database.executescript(statements)
        database.close()

    def fail_writes(self, table: str) -> None:
        for verb in ("insert", "update"):
            self.sql(
                f"CREATE TRIGGER full_{verb} BEFORE {verb} ON {table} "
                "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
            )

    def allow_writes(self) -> None:
        for verb in ("insert", "update"):
            self.sql(f"DROP TRIGGER full_{verb}")


@asynccontextmanager
async def logins(directory: Path) -> AsyncIterator[Logins]:
    with oidc_server() as server, Store.open(directory) as store:
        token = Token(Secret(OLD), Secret(server.current), NOW + 3600.0)
        store.add(an_account("one"), token, a_registration())
        time = FakeClock(NOW)
        keeper = TokenKeeper(store, LoginServices(endpoint=server.url), clock=time.clock, jitter=lambda: 0.0)
        yield Logins(directory, store, server, time, keeper)
        await keeper.aclose()
