"""Records to rows and back. The only place where a secret is taken out of its wrapping to be written."""

import json

from cwproxy.errors import StoreError
from cwproxy.store.database import Row
from cwproxy.store.records import Account, AccountKind, AccountState, Registration, Secret, Source, SourceKind, Token

Values = dict[str, str | int | float | None]


def account(row: Row) -> Account:
    """Raises StoreError for a kind or state that this version does not know."""
    try:
        kind, state = AccountKind(row["kind"]), AccountState(row["state"])
        source = _source(row.optional_text("source"))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"Account {row['id']} in the store has something this cwproxy does not know: {error}."
        ) from error
    return Account(
        id=row.text("id"),
        kind=kind,
        label=row.text("label"),
        sso_region=row.text("sso_region"),
        created_at=row.number("created_at"),
        start_url=row.optional_text("start_url"),
        profile_arn=row.optional_text("profile_arn"),
        surface=row.optional_text("surface"),
        state=state,
        state_detail=row.text("state_detail"),
        source=source,
        weight=row.number("weight"),
        disabled=row.flag("disabled"),
        declared=row.flag("declared"),
        aws_profile=row.optional_text("aws_profile"),
    )


def of_account(account: Account) -> Values:
    return {
        "id": account.id,
        "kind": account.kind.value,
        "label": account.label,
        "sso_region": account.sso_region,
        "created_at": account.created_at,
        "start_url": account.start_url,
        "profile_arn": account.profile_arn,
        "surface": account.surface,
        "state": account.state.value,
        "state_detail": account.state_detail,
        "source": of_source(account.source),
        "weight": account.weight,
        "disabled": int(account.disabled),
        "declared": int(account.declared),
        "aws_profile": account.aws_profile,
    }


def _source(text: str | None) -> Source | None:
    if text is None:
        return None
    members = json.loads(text)
    return Source(SourceKind(members["kind"]), str(members["path"]))


def of_source(source: Source | None) -> str | None:
    return None if source is None else json.dumps({"kind": source.kind.value, "path": source.path})


def token(row: Row) -> Token:
    refresh_token, extra = row.optional_text("refresh_token"), row.optional_text("extra")
    return Token(
        access_token=Secret(row.text("access_token")),
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        expires_at=row.number("expires_at"),
        generation=row.whole("generation"),
        extra=None if extra is None else Secret(extra),
    )


def of_token(account_id: str, token: Token) -> Values:
    return {
        "account_id": account_id,
        "access_token": token.access_token.reveal(),
        "refresh_token": None if token.refresh_token is None else token.refresh_token.reveal(),
        "expires_at": token.expires_at,
        "generation": token.generation,
        "extra": None if token.extra is None else token.extra.reveal(),
    }


def registration(row: Row) -> Registration:
    return Registration(
        client_id=row.text("client_id"),
        client_secret=Secret(row.text("client_secret")),
        expires_at=row.number("expires_at"),
        region=row.text("region"),
        scopes=tuple(json.loads(row.text("scopes"))),
    )


def of_registration(account_id: str, registration: Registration) -> Values:
    return {
        "account_id": account_id,
        "client_id": registration.client_id,
        "client_secret": registration.client_secret.reveal(),
        "expires_at": registration.expires_at,
        "region": registration.region,
        "scopes": json.dumps(registration.scopes),
    }
