"""`cwproxy store`: what looks after the database itself."""

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from stat import S_IFREG

from cwproxy.errors import StoreError
from cwproxy.settings import Settings
from cwproxy.store import Database, schema, transfer
from cwproxy.store.files import check_private, own_uid
from cwproxy.wiring import open_database


async def migrate(settings: Settings) -> None:
    async with open_database(settings) as database:
        print(f"{database.name} is at schema {schema.HEAD}, the newest that this cwproxy knows.")


async def export(settings: Settings, path: Path) -> None:
    """Raises StoreError for a file that is there already."""
    async with open_database(settings) as database:
        rows = await asyncio.to_thread(_write, path, transfer.exported(database))
    print(f"Wrote {rows} rows of {database.name} to {path}.")
    print(f"warning: {transfer.WARNING} Delete it when it has served.", file=sys.stderr)


async def import_(settings: Settings, path: Path) -> None:
    async with open_database(settings) as database:
        rows = await asyncio.to_thread(_read, path, database)
    print(f"Took {rows} rows from {path} into {database.name}.")
    print(f"warning: {path} still holds the secrets. Delete it when it has served.", file=sys.stderr)
    print("warning: Stop every cwproxy that uses the old store: two that renew one login end it.", file=sys.stderr)


def _write(path: Path, lines: Generator[str, None, None]) -> int:
    """How many rows were written. A file that could not be finished does not stay."""
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot make the file {path}: {error.strerror}.") from error
    count = 0
    try:
        # A generator that is left half-way would keep its view of the database open.
        with file, closing(lines):
            for line in lines:
                file.write(f"{line}\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        with suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise StoreError(f"Cannot write {path}: {error.strerror}.") from error
        raise
    return count - 2


def _read(path: Path, database: Database) -> int:
    check_private(path, uid=own_uid(), kind=S_IFREG)
    try:
        with path.open(encoding="utf-8") as file:
            return transfer.import_into(database, file)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}.") from error
