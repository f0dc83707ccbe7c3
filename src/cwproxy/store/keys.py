"""API keys: what clients and operators of this proxy show it. Only their SHA-256 is kept.

A slow hash protects what people think up. These keys are 256 random bits, which nobody can guess however fast the
hash is, and a slow one would have to be computed for every request (reliability.md 2.4).
"""

import enum
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, get_args

import msgspec

from cwproxy.errors import StoreError
from cwproxy.filters import Buffering
from cwproxy.store.database import Database, Row
from cwproxy.store.records import Secret

MARK: Final = "cwp_"
"""What our keys begin with, so that people and secret scanners know one when they see it."""

_KEPT_FOR: Final = (
    "DELETE FROM response WHERE key_id = :id "
    "AND EXISTS (SELECT 1 FROM api_key WHERE id = :id AND revoked_at IS NOT NULL)"
)

_SHOWN = len(MARK) + 6
"""Too short to be blanked in a log, and 232 bits short of a key."""


class KeyKind(enum.Enum):
    """A client's key opens what speaks to models, an operator's what is under `/admin`; neither opens the other."""

    CLIENT = "client"
    ADMIN = "admin"


class KeyLimits(msgspec.Struct, frozen=True):
    """What one key may use; None for as much as there is. monthly_credits: of the backend's metering, by UTC month."""

    requests_per_minute: int | None = None
    in_flight: int | None = None
    monthly_credits: float | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """digest: of the key, which nobody has but its owner. prefix: its beginning, for recognising it.
    created_at, revoked_at: epoch seconds. models: the only ones that it may use; None for all.
    buffered: how its answers are given out; None for as the settings have it.
    """

    id: str
    name: str
    prefix: str
    digest: bytes = field(repr=False)
    created_at: float
    kind: KeyKind = KeyKind.CLIENT
    limits: KeyLimits = KeyLimits()
    models: frozenset[str] | None = None
    revoked_at: float | None = None
    buffered: Buffering | None = None


def digest_of(key: str) -> bytes:
    return sha256(key.encode()).digest()


def id_of(digest: bytes) -> str:
    """Names a key in logs and statistics, the same wherever the key is kept; nothing leads back from it."""
    return f"key-{digest.hex()[:12]}"


def new_key(
    name: str,
    *,
    now: float,
    kind: KeyKind = KeyKind.CLIENT,
    limits: KeyLimits | None = None,
    models: frozenset[str] | None = None,
    buffered: Buffering | None = None,
) -> tuple[ApiKey, Secret]:
    """What is to be stored, and the key itself, which is to be shown once."""
    text = MARK + secrets.token_hex(32)
    digest = digest_of(text)
    key = ApiKey(
        id_of(digest), name, text[:_SHOWN], digest, now, kind, limits or KeyLimits(), models, buffered=buffered
    )
    return key, Secret(text)


class Keys:
    """The keys of one store. Every method raises StoreError when it cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ApiKey]:
        """Also the revoked ones; oldest first."""
        with self._database.reading() as statements:
            rows = statements.execute("SELECT * FROM api_key ORDER BY created_at, id")
        return [_key(row) for row in rows]

    def add(self, key: ApiKey) -> bool:
        """False when a key of that name is in use."""
        statement = (
            "INSERT INTO api_key (id, name, prefix, hash, created_at, revoked_at, requests_per_minute, in_flight, "
            "monthly_credits, models, kind, buffered) SELECT :id, :name, :prefix, :hash, :created_at, NULL, "
            "CAST(:requests_per_minute AS BIGINT), CAST(:in_flight AS BIGINT), "
            "CAST(:monthly_credits AS DOUBLE PRECISION), CAST(:models AS TEXT), :kind, CAST(:buffered AS TEXT) "
            "WHERE NOT EXISTS (SELECT 1 FROM api_key WHERE name = :name AND revoked_at IS NULL)"
        )
        with self._database.transaction() as statements:
            return statements.changed(statement, _columns(key)) == 1

    def revoke(self, key_id: str, *, now: float) -> bool:
        """False when there is no such key in use. What it has used stays in the ledger; what was kept for it goes."""
        statement = "UPDATE api_key SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL"
        with self._database.transaction() as statements:
            revoked = statements.changed(statement, {"id": key_id, "now": now}) == 1
            statements.execute(_KEPT_FOR, {"id": key_id})
        return revoked

    def forget(self, key_id: str) -> bool:
        """Take a revoked key out of the list. False when there is none."""
        statement = "DELETE FROM api_key WHERE id = :id AND revoked_at IS NOT NULL"
        with self._database.transaction() as statements:
            statements.execute(_KEPT_FOR, {"id": key_id})
            return statements.changed(statement, {"id": key_id}) == 1


def _columns(key: ApiKey) -> Mapping[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "hash": key.digest.hex(),
        "created_at": key.created_at,
        "requests_per_minute": key.limits.requests_per_minute,
        "in_flight": key.limits.in_flight,
        "monthly_credits": key.limits.monthly_credits,
        "models": None if key.models is None else json.dumps(sorted(key.models)),
        "kind": key.kind.value,
        "buffered": key.buffered,
    }


def _key(row: Row) -> ApiKey:
    models = row.optional_text("models")
    try:
        return ApiKey(
            id=row.text("id"),
            name=row.text("name"),
            prefix=row.text("prefix"),
            digest=bytes.fromhex(row.text("hash")),
            created_at=row.number("created_at"),
            kind=KeyKind(row.text("kind")),
            limits=KeyLimits(
                row.optional_whole("requests_per_minute"),
                row.optional_whole("in_flight"),
                row.optional_number("monthly_credits"),
            ),
            models=None if models is None else frozenset(json.loads(models)),
            revoked_at=row.optional_number("revoked_at"),
            buffered=_buffering(row.optional_text("buffered")),
        )
    except ValueError as error:
        raise StoreError(f"The API key {row['id']} in the store is not one that this cwproxy knows.") from error


def _buffering(text: str | None) -> Buffering | None:
    """Raises ValueError for another word."""
    found: Buffering | None = next((mode for mode in get_args(Buffering) if mode == text), None)
    if found is None and text is not None:
        raise ValueError(text)
    return found
