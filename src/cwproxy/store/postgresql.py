"""The database of several machines: PostgreSQL through SQLAlchemy. Imported only when a URL asks for it.

Connections are pooled and checked before use, so that a server that was restarted is found again without help.
psycopg's texts may repeat the row that was refused, and with it a secret: only their first line is ever shown, and
they are never chained.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeVar

import msgspec
import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Connection, Engine, TextClause, create_engine, make_url, text
from sqlalchemy.event import listens_for
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from cwproxy.errors import StoreError
from cwproxy.store import schema
from cwproxy.store.database import NO_PARAMETERS, Row

SCHEMES: Final = ("postgresql", "postgres", "postgresql+psycopg")
RV = TypeVar("RV")
EXAMPLE: Final = "postgresql://user:password@host:5432/database"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 12.0
"""How long a server may be silent. It ends a statement after 10 s itself; one that is stopped, or behind a line that
was cut, says nothing at all.
"""

LOOK_SECONDS = 0.1
LOCK_POLL_SECONDS = 0.05
POOL_SIZE = 5
SKEW_SECONDS = 10.0

OPTIONS: Final = " ".join(
    f"-c {option}"
    for option in (
        "statement_timeout=10s",
        "lock_timeout=5s",
        "idle_in_transaction_session_timeout=30s",
        # A machine that vanishes without a word must not keep its locks for two hours.
        "tcp_keepalives_idle=10",
        "tcp_keepalives_interval=5",
        "tcp_keepalives_count=3",
    )
)

_CONNECT: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "cwproxy",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
}


class PostgresqlDatabase:
    """A `Database` in the schema that the URL's user writes to first (`public`, unless the server says otherwise)."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        """answer_seconds: how long the server may be silent, before a statement counts as failed.

        Raises StoreError for a URL that is none, a server that cannot be reached, and a schema that is newer or
        another program's. The URL's password is in no message.
        """
        self._closed = False
        self._engine = _engine(url, closed=lambda: self._closed, answer_seconds=answer_seconds)
        self._skew: _Skew | None = None
        parts = self._engine.url
        self._name = f"postgresql://{parts.host or ''}{f':{parts.port}' if parts.port else ''}/{parts.database or ''}"
        try:
            self._bring_forward()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return self._name

    @contextmanager
    def transaction(self) -> Iterator["_Statements"]:
        with self._converted(), self._engine.begin() as connection:
            yield _Statements(connection)

    @contextmanager
    def reading(self) -> Iterator["_Statements"]:
        with self._converted(), self._engine.connect() as connection:
            view = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield _Statements(view)

    @contextmanager
    def locked(self, name: str, *, within: float) -> Iterator[bool]:
        """An advisory lock, which the server takes back when its connection ends. Not through a pooler that hands
        out connections by transaction.
        """
        key = int.from_bytes(sha256(f"cwproxy:{name}".encode()).digest()[:8], signed=True)
        deadline = time.monotonic() + within
        with self._converted():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
        try:
            with self._converted():
                held = _acquired(connection, key, deadline)
            yield held
        finally:
            with suppress(SQLAlchemyError):  # a connection that is broken has lost its locks already
                connection.close()

    @property
    def is_remote(self) -> bool:
        return True

    def now(self) -> float:
        with self.reading() as statements:
            return _now(statements)

    def skew(self) -> float:
        """Measured again after `SKEW_SECONDS`."""
        measured = self._skew
        if measured is not None and 0.0 <= time.monotonic() - measured.at < SKEW_SECONDS:
            return measured.seconds
        with self.reading() as statements:
            before = time.time()
            now = _now(statements)
            after = time.time()
        self._skew = _Skew(round(2.0 * now - before - after) / 2.0, time.monotonic())
        return self._skew.seconds

    def checkpoint(self, *, wipe: bool = False) -> None:
        pass

    def close(self) -> None:
        """Who waits for the server is waited for no longer."""
        self._closed = True
        self._engine.dispose()

    def _bring_forward(self) -> None:
        with self._converted():
            with self._engine.connect() as connection:
                version = _version(connection)
            if version == schema.HEAD:
                return
            if version > schema.HEAD:
                raise schema.newer(self.name, version)

            from cwproxy.store.migrating import migrate_postgresql

            with self._engine.begin() as connection:
                migrate_postgresql(connection, self.name)

    @contextmanager
    def _converted(self) -> Iterator[None]:
        if self._closed:
            raise StoreError(f"The store {self.name} is closed.")
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"The store {self.name} cannot be used: {_reason(error)}.") from None


class _Skew(msgspec.Struct, frozen=True):
    """at: monotonic seconds."""

    seconds: float
    at: float


class _Connection(psycopg.Connection):
    """One that does not wait for ever. closed_by_owner: whether the database has been closed."""

    closed_by_owner: Callable[[], bool] | None = None
    answer_seconds = ANSWER_SECONDS

    def wait(self, gen: PQGen[RV], interval: float = LOOK_SECONDS, timeout: float | None = None) -> RV:
        wanted = self._while_wanted(gen, time.monotonic() + self.answer_seconds)
        try:
            return super().wait(wanted, interval) if timeout is None else super().wait(wanted, interval, timeout)
        except _NoAnswer:
            self.pgconn.finish()  # what it still says is nobody's answer
            raise psycopg.OperationalError(f"no answer for {self.answer_seconds:.0f} s") from None

    def _while_wanted(self, gen: PQGen[RV], deadline: float) -> PQGen[RV]:
        """`gen`, which is told several times a second that nothing has come."""
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and (time.monotonic() >= deadline or self._is_unwanted()):
                    raise _NoAnswer
                wanted = gen.send(ready)
        except StopIteration as end:
            result: RV = end.value
            return result

    def _is_unwanted(self) -> bool:
        return self.closed_by_owner is not None and self.closed_by_owner()


class _NoAnswer(Exception):
    """The server has been silent for too long."""


class _Statements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        result = self._connection.execute(_clause(sql), dict(parameters))
        return [Row(row) for row in result.mappings()] if result.returns_rows else []

    def changed(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        return self._connection.execute(_clause(sql), dict(parameters)).rowcount


def _now(statements: _Statements) -> float:
    (row,) = statements.execute("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION) AS now")
    return row.number("now")


@lru_cache(maxsize=256)
def _clause(sql: str) -> TextClause:
    return text(sql)


def _engine(url: str, *, closed: Callable[[], bool], answer_seconds: float) -> Engine:
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the text may hold the password.
        raise StoreError(f"The database URL cannot be read; it looks like {EXAMPLE}.") from None
    if parts.drivername not in SCHEMES:
        raise StoreError(f"The database URL is not one of PostgreSQL; it looks like {EXAMPLE}.")
    given = parts.query.get("options", "")
    options = " ".join([OPTIONS, given] if isinstance(given, str) else [OPTIONS, *given])
    engine = create_engine(
        parts.set(drivername="postgresql+psycopg"),
        connect_args={**_CONNECT, "options": options},
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        pool_timeout=CONNECT_SECONDS,
    )

    @listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: list[str], options: dict[str, str | int]) -> _Connection:
        if closed():
            raise psycopg.OperationalError("the store is closed")
        connection = _Connection.connect(*args, **options)  # type: ignore[arg-type] # SQLAlchemy's, as psycopg wants them
        connection.closed_by_owner, connection.answer_seconds = closed, answer_seconds
        return connection

    return engine


def _acquired(connection: Connection, key: int, deadline: float) -> bool:
    while not connection.execute(_clause("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOCK_POLL_SECONDS)
    return True


def _version(connection: Connection) -> int:
    """0 without a table of versions."""
    if connection.exec_driver_sql(f"SELECT to_regclass('{schema.VERSION_TABLE}')").scalar_one() is None:
        return 0
    number = str(connection.exec_driver_sql(f"SELECT version_num FROM {schema.VERSION_TABLE}").scalar())  # noqa: S608
    return int(number) if number.isdecimal() else schema.HEAD + 1


def _reason(error: SQLAlchemyError) -> str:
    """One line without the values that the statement had."""
    if not isinstance(error, DBAPIError) or not isinstance(error.orig, psycopg.Error):
        return type(error).__name__
    lines = (error.orig.diag.message_primary or str(error.orig)).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__
