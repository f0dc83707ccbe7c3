"""What must survive a restart: accounts, their registrations and tokens, and what is known of them."""

from cwproxy.store.accounts import Store
from cwproxy.store.cooldowns import CoolDown, CoolDowns, Seen
from cwproxy.store.database import Database, Row, Statements, open_database
from cwproxy.store.records import (
    Account,
    AccountKind,
    AccountState,
    Registration,
    Reservation,
    Secret,
    Source,
    SourceKind,
    Token,
)

__all__ = [
    "Account",
    "AccountKind",
    "AccountState",
    "CoolDown",
    "CoolDowns",
    "Database",
    "Registration",
    "Reservation",
    "Row",
    "Secret",
    "Seen",
    "Source",
    "SourceKind",
    "Statements",
    "Store",
    "Token",
    "open_database",
]
