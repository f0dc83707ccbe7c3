"""A place where tables are kept: what SQLite and PostgreSQL are both used through.

One SQL text serves both. Parameters are `:name`. What both understand: `ON CONFLICT ... DO UPDATE`, `RETURNING`,
`coalesce`, `CAST(:name AS TEXT)` (needed where the type of a parameter cannot be told, as in `:name IS NULL`). Two
transactions may run at once, so that a change that depends on what is stored says so in its own `WHERE`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cwproxy.errors import StoreError


class Row(dict[str, object]):
    """One row, by the names of its columns. The typed readers raise StoreError for a value of another type."""

    def text(self, name: str) -> str:
        value = self[name]
        if not isinstance(value, str):
            raise _unexpected(name)
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self[name] is None else self.text(name)

    def number(self, name: str) -> float:
        value = self[name]
        if not isinstance(value, int | float):
            raise _unexpected(name)
        return float(value)

    def optional_number(self, name: str) -> float | None:
        return None if self[name] is None else self.number(name)

    def whole(self, name: str) -> int:
        value = self[name]
        if not isinstance(value, int):
            raise _unexpected(name)
        return value

    def optional_whole(self, name: str) -> int | None:
        return None if self[name] is None else self.whole(name)

    def flag(self, name: str) -> bool:
        return self.whole(name) != 0

    def binary(self, name: str) -> bytes:
        value = self[name]
        if not isinstance(value, bytes):
            raise _unexpected(name)
        return value


def _unexpected(name: str) -> StoreError:
    return StoreError(f"The store has something in the column {name} that this cwproxy does not expect.")


NO_PARAMETERS: Mapping[str, object] = {}


class Statements(Protocol):
    """What may be done inside `transaction` and `reading`."""

    def execute(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        """The rows of one statement; none for one that returns none."""
        ...

    def changed(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        """How many rows one statement has changed."""
        ...


class Database(Protocol):
    """Usable from any thread. Everything raises StoreError, with a sentence, when the database cannot be used.

    Synchronous: async callers go through a thread. The blocks are short, and one is not opened inside another of the
    same thread.
    """

    @property
    def name(self) -> str:
        """Which database this is, for messages; without a password."""
        ...

    def transaction(self) -> AbstractContextManager[Statements]:
        """All or nothing, on disk when the block has ended; an exception in it takes everything back."""
        ...

    def reading(self) -> AbstractContextManager[Statements]:
        """One consistent view, in which nothing is changed."""
        ...

    def locked(self, name: str, *, within: float) -> AbstractContextManager[bool]:
        """The lock called `name` (letters, digits, `-`, `_`), held by one holder among all processes and machines that
        use this database. False when it could not be had within that many seconds. It ends with the block or with the
        process that holds it. Enter and exit may be in different threads.
        """
        ...

    @property
    def is_remote(self) -> bool:
        """Whether it is another process, over connections: a reading takes a journey, and a lock may end before its
        holder knows, with the connection that keeps it.
        """
        ...

    def now(self) -> float:
        """Epoch seconds by the clock of all who use this database, asked anew each time."""
        ...

    def skew(self) -> float:
        """Seconds by which the clock of all who use this database is ahead of this machine's, in steps of half a
        second, so that what is stored by it comes back as it was.
        """
        ...

    def checkpoint(self, *, wipe: bool = False) -> None:
        """SQLite: move the log into the file, so that its space is used again; with `wipe`, empty the log, so that
        nothing that was deleted is left in it. PostgreSQL does this by itself.
        """
        ...

    def close(self) -> None: ...


def open_database(where: Path | str) -> Database:
    """A directory of this machine, in which SQLite keeps one file, or the URL of a PostgreSQL database.

    Older tables are brought forward. Raises StoreError where that cannot be, and for a newer schema.
    """
    if isinstance(where, Path):
        from cwproxy.store.sqlite import SqliteDatabase

        return SqliteDatabase(where)
    from cwproxy.store.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(where)
