"""Accounts and tokens for tests. Every secret begins with `canary-`, so that leaks can be searched for."""

from cwproxy.store import Account, AccountKind, Database, Registration, Secret, Source, Token, schema
from cwproxy.store.ledger import Record

NOW = 1_750_000_000.0
START_URL = "https://view.awsapps.com/start"


def dump(database: Database) -> dict[str, str]:
    """Everything in it, by table."""
    with database.reading() as statements:
        return {
            table: "\n".join(str(dict(row)) for row in statements.execute(f"SELECT * FROM {table}"))
            for table in (*schema.TABLES, *schema.PASSING_TABLES)
        }


def an_account(
    account_id: str = "one", kind: AccountKind = AccountKind.BUILDER_ID, **changes: str | float | Source | None
) -> Account:
    members = {"label": "mine", "sso_region": "us-east-1", "created_at": NOW, "start_url": START_URL, **changes}
    return Account(id=account_id, kind=kind, **members)  # type: ignore[arg-type]


def a_token(number: int = 0, *, expires_at: float = NOW + 3600, generation: int = 1) -> Token:
    return Token(Secret(f"canary-access-{number}"), Secret(f"canary-refresh-{number}"), expires_at, generation)


def a_registration(region: str = "us-east-1") -> Registration:
    scopes = ("codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations")
    return Registration("client-0", Secret("canary-client-secret-0"), NOW + 90 * 86_400, region, scopes)


def a_record(**changes: object) -> Record:
    """An answer that was served at NOW."""
    members: dict[str, object] = {
        "at": NOW,
        "account_id": "one",
        "model": "claude-sonnet-4.5",
        "outcome": "served",
        "seconds": 2.0,
        "first_seconds": 0.5,
        "key_id": "key-1",
        **changes,
    }
    return Record(**members)  # type: ignore[arg-type]
