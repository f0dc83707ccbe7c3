"""The canaries of the whole suite: whatever a program of the tests says is searched for secrets.

`look` notes what it finds; `tests/conftest.py` fails the test in whose time that was. Looked at: what every command
and server prints and the tables that it leaves behind, what every application served in a test answers, and what a test
itself logs and prints.
"""

import re
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cwproxy.store import schema

_CANARY: Final = re.compile(r"canary-[\w-]{4,}|\bao[ar]AAAAA[\w-]{16,}|\bksk_[\w-]{16,}")
"""The secrets of `records` and other tests, and the tokens that the simulator gives out."""

_found: list[str] = []


def look(where: str, text: str) -> None:
    """Note each canary in the text."""
    _found.extend(f"{where}: {canary[:12]}…" for canary in _CANARY.findall(text))


def taken() -> list[str]:
    """What has been noted since the last call."""
    found = list(_found)
    _found.clear()
    return found


def look_at_tables(directory: Path) -> None:
    """In the database of a home that a program has left, the tables that are not made for secrets. A copy is opened,
    as opening leaves files behind."""
    with TemporaryDirectory() as copies:
        for file in (directory / "data").glob("cwproxy.sqlite3*"):
            with suppress(FileNotFoundError):  # a log that was folded in meanwhile
                shutil.copy(file, copies)
        with suppress(sqlite3.Error), closing(sqlite3.connect(Path(copies) / "cwproxy.sqlite3")) as database:
            for table in {*schema.TABLES, *schema.PASSING_TABLES} - set(schema.SECRET_TABLES):
                look(f"table {table}", str(database.execute(f"SELECT * FROM {table}").fetchall()))


class Watched:
    """An application whose answers are looked at, heads and bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = bytearray()

        async def noting(message: Message) -> None:
            said.extend(message.get("body", b""))
            for name, value in message.get("headers", ()):
                said.extend(name + b": " + value + b"\n")
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            look(f"answer of {scope.get('path', scope['type'])}", said.decode(errors="replace"))
