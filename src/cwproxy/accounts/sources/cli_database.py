"""The logins of the Q CLI and the Kiro CLI: rows of JSON in a small SQLite database (protocol.md 5.5).

The owner is never made to wait: a read is one short transaction, a write one row in another.
"""

import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cwproxy.accounts.sources import document, moments, replacing
from cwproxy.accounts.sources.holding import Holding
from cwproxy.auth.device import BUILDER_ID_REGION, BUILDER_ID_START_URL
from cwproxy.errors import SourceError
from cwproxy.store import AccountKind, Registration, Secret, Token

BUSY_SECONDS = 5.0

SOCIAL_ROWS = ("kirocli:social:token",)
OIDC_ROWS = ("kirocli:odic:token", "kirocli:oidc:token", "codewhisperer:odic:token", "codewhisperer:oidc:token")
REGISTRATION_ROWS = tuple(row.replace(":token", ":device-registration") for row in OIDC_ROWS)
PROFILE_ROW = "api.codewhisperer.profile"

_TOKENS = SOCIAL_ROWS + OIDC_ROWS


class _Row(msgspec.Struct, frozen=True):
    key: str
    raw: str | bytes
    members: dict[str, object]

    @property
    def refresh_token(self) -> str | None:
        return document.text(self.members, "refresh_token")

    @property
    def ends(self) -> float:
        return moments.parse(self.members.get("expires_at")) or 0.0


class CliDatabase:
    """The database at `path`. A `Place`.

    A program that was logged in in two ways leaves both rows: the one whose token ends last counts, unless `social`
    says which.
    """

    def __init__(self, path: Path, *, social: bool | None = None) -> None:
        self._path = path
        self._rows = _TOKENS if social is None else SOCIAL_ROWS if social else OIDC_ROWS

    @property
    def path(self) -> Path:
        return self._path

    def read(self) -> Holding:
        with self._opened(writing=False) as database:
            database.execute("BEGIN")
            row = self._current(database)
            registration = None if row.key in SOCIAL_ROWS else self._registration(database, row)
            profile = self._profile(database)
            database.execute("COMMIT")
        kind, start_url = _kind(row)
        access_token, refresh_token = document.text(row.members, "access_token"), row.refresh_token
        if access_token is None and refresh_token is None:
            raise SourceError(f"{self._path} has neither an access_token nor a refresh_token in {row.key}.")
        return Holding(
            kind=kind,
            access_token=None if access_token is None else Secret(access_token),
            refresh_token=None if refresh_token is None else Secret(refresh_token),
            expires_at=moments.parse(row.members.get("expires_at")),
            # A Builder ID has one region, whatever the row says (protocol.md 5.1).
            region=BUILDER_ID_REGION if kind is AccountKind.BUILDER_ID else document.text(row.members, "region"),
            start_url=start_url,
            # A Builder ID has none, and what `state` has may be left from another login.
            profile_arn=None
            if kind is AccountKind.BUILDER_ID
            else document.text(row.members, "profile_arn", "profileArn") or profile,
            registration=registration,
        )

    def write(self, token: Token, *, held: Secret | None) -> bool:
        with self._opened(writing=True) as database:
            database.execute("BEGIN IMMEDIATE")
            row = self._current(database)
            if row.refresh_token != (None if held is None else held.reveal()):
                database.execute("ROLLBACK")
                return False
            changes: dict[str, str | int] = {
                "access_token": token.access_token.reveal(),
                "expires_at": moments.written(token.expires_at, row.members.get("expires_at")),
            }
            if token.refresh_token is not None:
                changes["refresh_token"] = token.refresh_token.reveal()
            value = document.changed(_bytes(row.raw), changes)
            database.execute(
                "UPDATE auth_kv SET value = ? WHERE key = ? AND value = ?",
                (value if isinstance(row.raw, bytes) else value.decode(), row.key, row.raw),
            )
            database.execute("COMMIT")
        return True

    def obstacle(self) -> str | None:
        return replacing.obstacle(self._path)

    def _current(self, database: sqlite3.Connection) -> _Row:
        rows = list(self._rows_of(database, "auth_kv", self._rows))
        if not rows:
            raise SourceError(f"{self._path} holds no login. Its program was never logged in, or has logged out.")
        # `max` takes the first of equals, and the order of the names is that of likelihood.
        return max(rows, key=lambda row: row.ends)

    def _rows_of(self, database: sqlite3.Connection, table: str, keys: Sequence[str]) -> Iterator[_Row]:
        for key in keys:
            found = database.execute(f"SELECT value FROM {table} WHERE key = ?", (key,)).fetchone()  # noqa: S608 - ours
            if found is not None and isinstance(found[0], str | bytes):
                yield _Row(key, found[0], document.parse(_bytes(found[0]), f"{key} in {self._path}"))

    def _registration(self, database: sqlite3.Connection, row: _Row) -> Registration | None:
        own = row.key.replace(":token", ":device-registration")
        for found in self._rows_of(database, "auth_kv", (own, *REGISTRATION_ROWS)):
            client_id = document.text(found.members, "client_id")
            secret = document.text(found.members, "client_secret")
            if client_id is not None and secret is not None:
                return Registration(
                    client_id=client_id,
                    client_secret=Secret(secret),
                    expires_at=moments.parse(found.members.get("client_secret_expires_at")) or math.inf,
                    region=document.text(found.members, "region") or document.text(row.members, "region") or "",
                    scopes=document.texts(found.members, "scopes"),
                )
        return None

    def _profile(self, database: sqlite3.Connection) -> str | None:
        """Its members have been seen in snake_case and in camelCase; this one is the same in both."""
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone() is None:
            return None
        for row in self._rows_of(database, "state", (PROFILE_ROW,)):
            return document.text(row.members, "arn", "profileArn", "profile_arn")
        return None

    @contextmanager
    def _opened(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        if not self._path.is_file():
            raise SourceError(f"{self._path} is not there. Its program was never logged in.")
        try:
            database = self._connect("rw" if writing else "ro")
            try:
                yield database
            finally:
                database.close()
        except sqlite3.Error as error:
            raise SourceError(f"{self._path} cannot be {'written' if writing else 'read'}: {error}.") from error

    def _connect(self, mode: str) -> sqlite3.Connection:
        address = self._path.absolute().as_uri()
        database = sqlite3.connect(f"{address}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            database.execute("SELECT 1 FROM sqlite_master").close()
        except sqlite3.OperationalError as error:
            database.close()
            # A write-ahead log needs a file beside it even to be read, which a read-only directory does not take.
            if mode == "rw" or error.sqlite_errorcode not in _NO_LOG or self._has_log():
                raise
            return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
        except BaseException:
            database.close()
            raise
        return database

    def _has_log(self) -> bool:
        try:
            return os.stat(f"{self._path}-wal").st_size > 0
        except OSError:
            return False


_NO_LOG = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_DIRECTORY)


def _kind(row: _Row) -> tuple[AccountKind, str | None]:
    """A start URL that is Builder ID's, or none, means Builder ID (protocol.md 5.4)."""
    if row.key in SOCIAL_ROWS:
        return AccountKind.SOCIAL, None
    start_url = document.text(row.members, "start_url")
    if start_url is None or start_url.rstrip("/") == BUILDER_ID_START_URL:
        return AccountKind.BUILDER_ID, BUILDER_ID_START_URL
    return AccountKind.IDENTITY_CENTER, start_url


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
