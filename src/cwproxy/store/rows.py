"""Records to rows and back. The only place where a secret is taken out of its wrapping to be written."""

import json
import sqlite3

from cwproxy.errors import StoreError
from cwproxy.store.records import Account, AccountKind, AccountState, Registration, Secret, Token

INSERT_ACCOUNT = (
    "INSERT INTO account (id, kind, label, sso_region, created_at, start_url, profile_arn, surface, state, "
    "state_detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PUT_GRANT = (
    "INSERT OR REPLACE INTO token (account_id, access_token, refresh_token, expires_at, generation) "
    "VALUES (?, ?, ?, ?, ?)"
)
PUT_REGISTRATION = (
    "INSERT OR REPLACE INTO registration (account_id, client_id, client_secret, expires_at, region, scopes) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
# Random, because unchanged pages would not be written and so would reserve nothing.
PUT_RESERVATION = (
    "INSERT OR REPLACE INTO refresh_started (account_id, generation, started_at, padding) "
    "VALUES (?, ?, ?, randomblob(?))"
)

_Value = str | int | float | None


def account(row: sqlite3.Row) -> Account:
    """Raises StoreError for a kind or state that this version does not know."""
    try:
        kind, state = AccountKind(row["kind"]), AccountState(row["state"])
    except ValueError as error:
        raise StoreError(
            f"Account {row['id']} in the store has something this cwproxy does not know: {error}."
        ) from error
    return Account(
        id=row["id"],
        kind=kind,
        label=row["label"],
        sso_region=row["sso_region"],
        created_at=row["created_at"],
        start_url=row["start_url"],
        profile_arn=row["profile_arn"],
        surface=row["surface"],
        state=state,
        state_detail=row["state_detail"],
    )


def of_account(account: Account) -> tuple[_Value, ...]:
    return (
        account.id,
        account.kind.value,
        account.label,
        account.sso_region,
        account.created_at,
        account.start_url,
        account.profile_arn,
        account.surface,
        account.state.value,
        account.state_detail,
    )


def token(row: sqlite3.Row) -> Token:
    refresh_token = row["refresh_token"]
    return Token(
        access_token=Secret(row["access_token"]),
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        expires_at=row["expires_at"],
        generation=row["generation"],
    )


def of_token(account_id: str, token: Token, generation: int) -> tuple[_Value, ...]:
    refresh_token = None if token.refresh_token is None else token.refresh_token.reveal()
    return account_id, token.access_token.reveal(), refresh_token, token.expires_at, generation


def registration(row: sqlite3.Row) -> Registration:
    return Registration(
        client_id=row["client_id"],
        client_secret=Secret(row["client_secret"]),
        expires_at=row["expires_at"],
        region=row["region"],
        scopes=tuple(json.loads(row["scopes"])),
    )


def of_registration(account_id: str, registration: Registration) -> tuple[_Value, ...]:
    return (
        account_id,
        registration.client_id,
        registration.client_secret.reveal(),
        registration.expires_at,
        registration.region,
        json.dumps(registration.scopes),
    )
