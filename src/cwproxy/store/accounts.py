"""Accounts, their registrations and their tokens, in any database."""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cwproxy.store import rows
from cwproxy.store.database import Database, Statements, open_database
from cwproxy.store.records import Account, AccountState, Registration, Reservation, Token

RESERVED_BYTES: Final = 64 * 1024
"""What a reservation writes: more log than the largest token needs, so that storing it cannot find the disk full."""

_INSERT_ACCOUNT = (
    "INSERT INTO account (id, kind, label, sso_region, created_at, start_url, profile_arn, surface, state, "
    "state_detail, source, weight, disabled, declared, aws_profile) "
    "VALUES (:id, :kind, :label, :sso_region, :created_at, :start_url, :profile_arn, :surface, :state, "
    ":state_detail, :source, :weight, :disabled, :declared, :aws_profile)"
)
_REVISE = (
    "UPDATE account SET label = :label, sso_region = :sso_region, start_url = :start_url, profile_arn = :profile_arn, "
    "surface = :surface, source = :source, weight = :weight, declared = :declared WHERE id = :id"
)
_ADD_GRANT = (
    "INSERT INTO token (account_id, access_token, refresh_token, expires_at, generation, extra) "
    "VALUES (:account_id, :access_token, :refresh_token, :expires_at, :generation, :extra)"
)
_REPLACE_GRANT = (
    "UPDATE token SET access_token = :access_token, refresh_token = :refresh_token, expires_at = :expires_at, "
    "generation = :generation, extra = :extra WHERE account_id = :account_id AND generation = :expected"
)
_PUT_NEXT_GRANT = (
    f"{_ADD_GRANT} ON CONFLICT (account_id) DO UPDATE SET access_token = excluded.access_token, "
    "refresh_token = excluded.refresh_token, expires_at = excluded.expires_at, generation = token.generation + 1, "
    "extra = excluded.extra"
)
_PUT_REGISTRATION = (
    "INSERT INTO registration (account_id, client_id, client_secret, expires_at, region, scopes) "
    "VALUES (:account_id, :client_id, :client_secret, :expires_at, :region, :scopes) "
    "ON CONFLICT (account_id) DO UPDATE SET client_id = excluded.client_id, client_secret = excluded.client_secret, "
    "expires_at = excluded.expires_at, region = excluded.region, scopes = excluded.scopes"
)
_RESERVE = (
    "INSERT INTO refresh_started (account_id, generation, started_at, padding) "
    "SELECT account_id, generation, CAST(:started_at AS DOUBLE PRECISION), :padding "
    "FROM token WHERE account_id = :id AND generation = :expected "
    "ON CONFLICT (account_id) DO UPDATE SET generation = excluded.generation, started_at = excluded.started_at, "
    "padding = excluded.padding "
    "WHERE refresh_started.generation <> excluded.generation "
    "OR refresh_started.started_at = CAST(:over AS DOUBLE PRECISION)"
)
_UNFINISHED = (
    "SELECT refresh_started.generation, started_at FROM refresh_started "
    "JOIN token USING (account_id, generation) WHERE account_id = :id"
)
_RELEASE = (
    "DELETE FROM refresh_started WHERE account_id = :id AND generation = :generation "
    "AND started_at = CAST(:started_at AS DOUBLE PRECISION)"
)
_HEAL = "UPDATE account SET state = :active, state_detail = '' WHERE id = :id AND state = :needs_login"
_REFUSED = (
    "UPDATE account SET state = :state, state_detail = :reason WHERE id = :id AND state <> :suspended AND EXISTS "
    "(SELECT 1 FROM token WHERE account_id = :id AND generation = :expected)"
)


class Store:
    """Accounts, their registrations and tokens. Every method raises StoreError when the database cannot be used.

    Methods that change one account return whether they did: False means that it is gone, or that the token is no
    longer of the expected generation.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, where: Path | str) -> Self:
        """On a database of its own, see `open_database`; `close`, or the end of a `with`, closes it."""
        return cls(open_database(where))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def accounts(self) -> list[Account]:
        """All of them, oldest first."""
        with self.database.reading() as statements:
            return [rows.account(row) for row in statements.execute("SELECT * FROM account ORDER BY created_at, id")]

    def account(self, account_id: str) -> Account | None:
        with self.database.reading() as statements:
            found = statements.execute("SELECT * FROM account WHERE id = :id", {"id": account_id})
        return rows.account(found[0]) if found else None

    def add(self, account: Account, token: Token | None = None, registration: Registration | None = None) -> None:
        """Raises StoreError also when there is an account of that id."""
        with self.database.transaction() as statements:
            statements.execute(_INSERT_ACCOUNT, rows.of_account(account))
            if token is not None:
                statements.execute(_ADD_GRANT, rows.of_token(account.id, token))
            if registration is not None:
                statements.execute(_PUT_REGISTRATION, rows.of_registration(account.id, registration))

    def set_state(self, account_id: str, state: AccountState, detail: str = "") -> bool:
        with self.database.transaction() as statements:
            return _put_state(statements, account_id, state, detail)

    def set_profile(self, account_id: str, profile_arn: str | None) -> bool:
        return self._set("UPDATE account SET profile_arn = :value WHERE id = :id", account_id, profile_arn)

    def set_surface(self, account_id: str, surface: str | None) -> bool:
        return self._set("UPDATE account SET surface = :value WHERE id = :id", account_id, surface)

    def set_region(self, account_id: str, sso_region: str) -> bool:
        return self._set("UPDATE account SET sso_region = :value WHERE id = :id", account_id, sso_region)

    def set_disabled(self, account_id: str, disabled: bool) -> bool:
        return self._set("UPDATE account SET disabled = :value WHERE id = :id", account_id, int(disabled))

    def set_weight(self, account_id: str, weight: float) -> bool:
        return self._set("UPDATE account SET weight = :value WHERE id = :id", account_id, weight)

    def revise(self, account: Account) -> bool:
        """Store what its login or a declaration says of it now: label, region, start URL, profile, surface, source,
        weight. Its kind, its state and whether a person has switched it off stay.
        """
        with self.database.transaction() as statements:
            return statements.changed(_REVISE, rows.of_account(account)) == 1

    def _set(self, statement: str, account_id: str, value: str | float | None) -> bool:
        with self.database.transaction() as statements:
            return statements.changed(statement, {"id": account_id, "value": value}) == 1

    def remove(self, account_id: str) -> bool:
        """Forget the account. Its secrets are overwritten in the file and in its log, not merely unlinked."""
        with self.database.transaction() as statements:
            removed = statements.changed("DELETE FROM account WHERE id = :id", {"id": account_id}) == 1
            statements.execute("DELETE FROM cooldown WHERE account_id = :id", {"id": account_id})
        self.database.checkpoint(wipe=True)
        return removed

    def token(self, account_id: str) -> Token | None:
        with self.database.reading() as statements:
            found = statements.execute("SELECT * FROM token WHERE account_id = :id", {"id": account_id})
        return rows.token(found[0]) if found else None

    def replace_token(self, account_id: str, token: Token, *, expected_generation: int) -> bool:
        """Store `token`, whose generation must be higher, if the stored one is still of `expected_generation`.
        A success ends the reservation, and `needs_login` where the account was in it.
        """
        if token.generation <= expected_generation:
            raise ValueError("a replacement has a higher generation")
        with self.database.transaction() as statements:
            values = rows.of_token(account_id, token) | {"expected": expected_generation}
            if statements.changed(_REPLACE_GRANT, values) != 1:
                return False
            healed = {"active": AccountState.ACTIVE.value, "needs_login": AccountState.NEEDS_LOGIN.value}
            statements.execute(_HEAL, {"id": account_id, **healed})
            return True

    def replace_login(self, account_id: str, token: Token, registration: Registration | None) -> bool:
        """Store what a person's new login gave, whatever was there, and make the account active. The stored
        generation is one higher than the last.
        """
        with self.database.transaction() as statements:
            if not _put_state(statements, account_id, AccountState.ACTIVE, ""):
                return False
            statements.execute(_PUT_NEXT_GRANT, rows.of_token(account_id, token) | {"generation": 1})
            if registration is not None:
                statements.execute(_PUT_REGISTRATION, rows.of_registration(account_id, registration))
            return True

    def quarantine(self, account_id: str, reason: str, *, expected_generation: int) -> bool:
        """Note that the service refused to renew the token. It is kept: a refusal has been wrong before, and a
        newer token from elsewhere ends the state (backend-rules.md C 4). False also for an account that is suspended,
        which it stays until a person says otherwise (A6 75).
        """
        with self.database.transaction() as statements:
            states = {"state": AccountState.NEEDS_LOGIN.value, "suspended": AccountState.SUSPENDED.value}
            values = {"id": account_id, "reason": reason, "expected": expected_generation}
            return statements.changed(_REFUSED, states | values) == 1

    def registration(self, account_id: str) -> Registration | None:
        with self.database.reading() as statements:
            found = statements.execute("SELECT * FROM registration WHERE account_id = :id", {"id": account_id})
        return rows.registration(found[0]) if found else None

    def save_registration(self, account_id: str, registration: Registration) -> None:
        """Raises StoreError also when there is no such account."""
        with self.database.transaction() as statements:
            statements.execute(_PUT_REGISTRATION, rows.of_registration(account_id, registration))

    def reserve(
        self, account_id: str, *, expected_generation: int, started_at: float, over: Reservation | None = None
    ) -> bool:
        """Announce a refresh and make room for its result, before the refresh token is spent (reliability.md 2.2 3).
        started_at: by the database's clock. over: what `unfinished` has said. False also where that is so no longer.
        """
        # Random, because unchanged pages would not be written, and an empty one packs well: both reserve nothing.
        padding = os.urandom(RESERVED_BYTES)
        values = {
            "id": account_id,
            "expected": expected_generation,
            "started_at": started_at,
            "padding": padding,
            "over": None if over is None else over.started_at,
        }
        with self.database.transaction() as statements:
            if statements.changed(_RESERVE, values) != 1:
                return False
        # Moves the padding out of the log, whose space the next commit then overwrites instead of growing the file.
        self.database.checkpoint()
        return True

    def release(self, account_id: str, announced: Reservation) -> None:
        """Take the announcement back, where nobody has made another one since: the refresh ended without a result."""
        values = {"id": account_id, "generation": announced.generation, "started_at": announced.started_at}
        with self.database.transaction() as statements:
            statements.execute(_RELEASE, values)

    def unfinished(self, account_id: str) -> Reservation | None:
        """A refresh of the current token that was announced and neither stored nor released: it was cut off, or
        it is running in another process.
        """
        with self.database.reading() as statements:
            found = statements.execute(_UNFINISHED, {"id": account_id})
        return Reservation(found[0].whole("generation"), found[0].number("started_at")) if found else None


def _put_state(statements: Statements, account_id: str, state: AccountState, detail: str) -> bool:
    statement = "UPDATE account SET state = :state, state_detail = :detail WHERE id = :id"
    return statements.changed(statement, {"id": account_id, "state": state.value, "detail": detail}) == 1
