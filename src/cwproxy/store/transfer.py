"""Takes everything in one database to another, by way of a file that any version of it can read.

One JSON value a line: what the file is, then the rows, then how many there were. It holds the logins as they are.
"""

import base64
import binascii
import json
import re
from collections.abc import Generator, Iterable

from cwproxy.errors import StoreError
from cwproxy.store import schema
from cwproxy.store.database import Database, Row, Statements

KIND = "cwproxy store export"
WARNING = "This file holds secrets: whoever can read it can use the accounts and stored answers in it."

_NAME = re.compile(r"[a-z_]+")
_AFTERWARDS = "UPDATE counter SET value = (SELECT coalesce(max(changed_in), 0) FROM cooldown) WHERE name = 'cooldown'"


def exported(database: Database) -> Generator[str, None, None]:
    """The lines of the file, without their ends: one consistent view of the database, held until the end or `close`."""
    yield json.dumps({"kind": KIND, "schema": schema.HEAD, "warning": WARNING})
    count = 0
    with database.reading() as statements:
        for table in schema.TABLES:
            for row in statements.execute(f"SELECT * FROM {table} ORDER BY 1"):  # noqa: S608 - the names are ours
                yield json.dumps({"table": table, "row": _encoded(table, row)})
                count += 1
    yield json.dumps({"rows": count})


def import_into(database: Database, lines: Iterable[str]) -> int:
    """How many rows were taken in: all of them, or none where StoreError is raised, which it is for a database that is
    not empty and for a file that is not whole, not an export, or of a newer version.
    """
    with database.transaction() as statements:
        _refuse_content(statements, database.name)
        try:
            return _take(statements, lines)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # Not chained: the text may hold a line of the file.
            raise StoreError(f"This is not an export of cwproxy's store ({type(error).__name__}).") from None


def _refuse_content(statements: Statements, name: str) -> None:
    for table in schema.TABLES:
        if statements.execute(f"SELECT 1 AS one FROM {table} LIMIT 1"):  # noqa: S608 - the names are ours
            raise StoreError(f"{name} has content already (in {table}); an import needs an empty store.")


def _take(statements: Statements, lines: Iterable[str]) -> int:
    count, whole = 0, False
    for number, line in enumerate(lines):
        value = json.loads(line)
        if number == 0:
            _check(value)
        elif "rows" in value:
            whole = value["rows"] == count
        else:
            _insert(statements, value["table"], value["row"])
            count += 1
    if not whole:
        raise StoreError("The file is not whole: its end is missing. Export it again.")
    statements.execute(_AFTERWARDS)
    return count


def _check(head: dict[str, object]) -> None:
    if head.get("kind") != KIND:
        raise ValueError
    version = head["schema"]
    if not isinstance(version, int) or version > schema.HEAD:
        raise StoreError(f"The file was written by a newer cwproxy (schema {version}, this one knows {schema.HEAD}).")


def _insert(statements: Statements, table: str, row: dict[str, object]) -> None:
    if table not in schema.TABLES or not row or not all(_NAME.fullmatch(column) for column in row):
        raise ValueError
    values = {column: _decoded(value) for column, value in row.items()}
    columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
    statements.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608 - checked above


def _encoded(table: str, row: Row) -> dict[str, object]:
    numbered = schema.NUMBERED.get(table)
    return {
        column: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for column, value in row.items()
        if column != numbered
    }


def _decoded(value: object) -> object:
    if not isinstance(value, dict):
        return value
    try:
        return base64.b64decode(value["base64"], validate=True)
    except binascii.Error as error:
        raise ValueError from error
