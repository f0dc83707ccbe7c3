"""The files in which Kiro, the Q CLI and the Kiro CLI keep their logins, as these programs write them."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from cwproxy.accounts.sources.kiro_file import BUILDER_ID_HASH

EXPIRES = "2025-06-15T16:06:40.000Z"
"""An hour after `records.NOW`."""

REGISTRATION_ENDS = "2025-09-13T15:06:40.000Z"

IDC_HASH = "0123456789abcdef0123456789abcdef01234567"


def kiro_members(**changes: object) -> dict[str, object]:
    """Of a Builder ID. A change to None takes the member away."""
    members: dict[str, object] = {
        "accessToken": "canary-access-0",
        "refreshToken": "canary-refresh-0",
        "expiresAt": EXPIRES,
        "clientIdHash": BUILDER_ID_HASH,
        "authMethod": "IdC",
        "provider": "BuilderId",
        "region": "us-east-1",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def write_kiro(directory: Path, **changes: object) -> Path:
    """`kiro-auth-token.json` with these members, and the client's registration beside it."""
    members = kiro_members(**changes)
    if "clientIdHash" in members:
        write_registration(directory / f"{members['clientIdHash']}.json")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "kiro-auth-token.json"
    path.write_text(json.dumps(members, indent=2), encoding="utf-8")
    return path


def write_registration(path: Path, **changes: str) -> None:
    members = {"clientId": "client-0", "clientSecret": "canary-client-secret-0", "expiresAt": REGISTRATION_ENDS}
    members.update(changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(members), encoding="utf-8")


def cli_token(**changes: object) -> dict[str, object]:
    """Of a Builder ID, as the Q CLI writes it."""
    members: dict[str, object] = {
        "access_token": "canary-access-0",
        "expires_at": "2025-06-15T16:06:40.123456789Z",
        "refresh_token": "canary-refresh-0",
        "region": "us-east-1",
        "start_url": "https://view.awsapps.com/start",
        "oauth_flow": "DeviceCode",
        "scopes": ["codewhisperer:completions"],
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


CLI_REGISTRATION: Mapping[str, object] = {
    "client_id": "client-0",
    "client_secret": "canary-client-secret-0",
    "client_secret_expires_at": "2025-09-13T15:06:40Z",
    "region": "us-east-1",
    "oauth_flow": "DeviceCode",
    "scopes": ["codewhisperer:completions"],
}


def write_database(
    path: Path,
    auth: Mapping[str, object],
    state: Mapping[str, object] | None = None,
    *,
    write_ahead: bool = False,
) -> Path:
    """A `data.sqlite3`; values that are no bytes or text become JSON. state None: there is no such table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    if write_ahead:
        database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT)")
    put_rows(database, "auth_kv", auth)
    if state is not None:
        database.execute("CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB)")
        put_rows(database, "state", state)
    database.close()
    return path


def put_rows(database: sqlite3.Connection, table: str, rows: Mapping[str, object]) -> None:
    for key, value in rows.items():
        raw = value if isinstance(value, bytes | str) else json.dumps(value, separators=(",", ":"))
        statement = f"INSERT OR REPLACE INTO {table} (key, value) VALUES (?, ?)"
        database.execute(statement, (key, raw))


def row_of(path: Path, key: str) -> dict[str, object]:
    database = sqlite3.connect(path)
    try:
        (value,) = database.execute("SELECT value FROM auth_kv WHERE key = ?", (key,)).fetchone()
    finally:
        database.close()
    members: dict[str, object] = json.loads(value)
    return members
