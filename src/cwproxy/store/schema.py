"""The tables, and how older files become newer ones.

`MIGRATIONS[n]` brings a file from version n to n + 1; a released one is never edited, only followed by another.
"""

import sqlite3

from cwproxy.errors import StoreError

APPLICATION_ID = 0x63777078
"""Written into the file's header ("cwpx"), so that another program's database is not taken for ours."""

_FIRST = """
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    sso_region TEXT NOT NULL,
    created_at REAL NOT NULL,
    start_url TEXT,
    profile_arn TEXT,
    surface TEXT,
    state TEXT NOT NULL,
    state_detail TEXT NOT NULL
) STRICT;
CREATE TABLE registration (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    expires_at REAL NOT NULL,
    region TEXT NOT NULL,
    scopes TEXT NOT NULL
) STRICT;
CREATE TABLE token (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    access_token TEXT NOT NULL,
    refresh_token TEXT,
    expires_at REAL NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
CREATE TABLE refresh_started (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    started_at REAL NOT NULL,
    padding BLOB NOT NULL
) STRICT;
"""

MIGRATIONS = (_FIRST,)


def migrate(database: sqlite3.Connection, name: str) -> None:
    """Bring the file up to date inside the caller's transaction. `name` is the file, for messages.

    Raises StoreError for a file of a newer cwproxy and for a database that is not ours, and touches neither.
    """
    version = _pragma(database, "user_version")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{name} was written by a newer cwproxy (schema {version}, this one knows {len(MIGRATIONS)}). "
            "Install that version again, or move the file away and log in anew."
        )
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if _pragma(database, "application_id") != APPLICATION_ID and (version or tables):
        raise StoreError(f"{name} is a database of another program. Point the data directory elsewhere.")
    for migration in MIGRATIONS[version:]:
        for statement in migration.split(";"):
            database.execute(statement)
    if version < len(MIGRATIONS):
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _pragma(database: sqlite3.Connection, name: str) -> int:
    (value,) = database.execute(f"PRAGMA {name}").fetchone()
    return int(value)
