"""Brings the tables of a database forward. Imported only when they are not at the head, because Alembic is slow to
import.
"""

import sqlite3
from collections.abc import Callable
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import NullPool

from cwproxy.store import schema

ADVISORY_KEY = 0x6377707873636865
"""PostgreSQL's number of the lock under which the tables are changed."""


def migrate_sqlite(connect: Callable[[], sqlite3.Connection], name: str) -> None:
    """`connect` opens the file anew. Safe when several processes do it at once. Raises StoreError for a file that is
    not ours or newer, and leaves it as it is. sqlite3's errors are the caller's.
    """
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = _pragma(connection, "user_version")
        if version > schema.HEAD:
            raise schema.newer(name, version)
        tables = inspect(connection).get_table_names()
        if _pragma(connection, "application_id") != schema.APPLICATION_ID and (version or tables):
            raise schema.foreign(name)
        if version == 1 and schema.VERSION_TABLE not in tables:
            _alembic(connection, "stamp", "0001")
        _alembic(connection, "upgrade", "head")
        connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {schema.HEAD}")


def migrate_postgresql(connection: Connection, name: str) -> None:
    """In the caller's transaction. Raises StoreError as `migrate_sqlite` does; SQLAlchemy's errors are the caller's."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_KEY})")
    tables = inspect(connection).get_table_names()
    if schema.VERSION_TABLE not in tables and set(tables) & {*schema.TABLES, *schema.PASSING_TABLES}:
        raise schema.foreign(name)
    _alembic(connection, "upgrade", "head")


def _alembic(connection: Connection, verb: str, revision: str) -> None:
    with as_file(files("cwproxy.store") / "migrations") as directory:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(directory).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        command.stamp(config, revision) if verb == "stamp" else command.upgrade(config, revision)


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
