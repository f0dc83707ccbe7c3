"""The database of one machine: SQLite with a write-ahead log, every commit on disk before it returns.

One connection behind a lock, so that it may be used from any thread; processes are kept apart by short
`BEGIN IMMEDIATE` transactions. Not for network file systems.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_IFREG

from cwproxy.errors import StoreError
from cwproxy.store import schema
from cwproxy.store.database import NO_PARAMETERS, Row
from cwproxy.store.files import check_private, own_uid, private_directory, private_file

FILE_NAME = "cwproxy.sqlite3"
BUSY_SECONDS = 5.0
LOCK_POLL_SECONDS = 0.05

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class SqliteDatabase:
    """A `Database` in one private directory of this machine."""

    def __init__(self, directory: Path) -> None:
        """Open or make `directory`. Raises StoreError where it, or a file in it, is open to other users (with the
        command that mends it), damaged, of another program, or of a newer version; none of these is touched.
        """
        self._directory = directory
        self._path = directory / FILE_NAME
        self._lock = threading.Lock()
        uid = own_uid()
        private_directory(directory, uid=uid)
        private_file(self._path, uid=uid)
        for suffix in ("-wal", "-shm"):
            check_private(Path(f"{self._path}{suffix}"), uid=uid, kind=S_IFREG)
        self._refuse_lost_content()
        with self._converted():
            self._database = self._connect()
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    @property
    def name(self) -> str:
        return str(self._path)

    @contextmanager
    def transaction(self) -> Iterator["_Statements"]:
        with self._block("BEGIN IMMEDIATE") as statements:
            yield statements

    @contextmanager
    def reading(self) -> Iterator["_Statements"]:
        with self._block("BEGIN") as statements:
            yield statements

    @contextmanager
    def locked(self, name: str, *, within: float) -> Iterator[bool]:
        """A file beside the database, never deleted, because removing one would let two holders in."""
        import filelock

        lock = filelock.FileLock(self._directory / f"{name}.lock", mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=within, poll_interval=LOCK_POLL_SECONDS)
        except filelock.Timeout:
            yield False
            return
        except OSError as error:
            raise StoreError(f"Cannot lock {lock.lock_file}: {error.strerror}.") from error
        try:
            yield True
        finally:
            lock.release()

    @property
    def is_remote(self) -> bool:
        return False

    def now(self) -> float:
        return time.time()

    def skew(self) -> float:
        """All who use it are on this machine."""
        return 0.0

    def checkpoint(self, *, wipe: bool = False) -> None:
        with self._lock, self._converted():
            self._database.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if wipe else 'PASSIVE'})").close()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )

    def _prepare(self) -> None:
        with self._converted():
            self._write_ahead()
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.execute("PRAGMA foreign_keys = ON")
            (verdict,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise StoreError(self._damage())
            self._bring_forward()
        self._database.row_factory = _row

    def _bring_forward(self) -> None:
        versions = [self._database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
        if versions == [(schema.APPLICATION_ID,), (schema.HEAD,)]:
            return
        from sqlalchemy.exc import DBAPIError

        from cwproxy.store.migrating import migrate_sqlite

        try:
            migrate_sqlite(self._connect, self.name)
        except DBAPIError as error:
            raise error.orig or error from None

    def _write_ahead(self) -> None:
        # Changing the mode does not wait for other processes that open a new file at the same moment.
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL").close()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _refuse_lost_content(self) -> None:
        """SQLite would delete the log of an empty file, and with it what may be the only copy of the content."""
        log = Path(f"{self._path}-wal")
        if self._path.stat().st_size == 0 and log.exists() and log.stat().st_size > 0:
            raise StoreError(self._damage())

    @contextmanager
    def _block(self, begin: str) -> Iterator["_Statements"]:
        with self._lock, self._converted():
            self._database.execute(begin)
            try:
                yield _Statements(self._database)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _converted(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            raise StoreError(
                self._damage() if code in _DAMAGED else f"The store {self._path} cannot be used: {error}."
            ) from error

    def _damage(self) -> str:
        return f"The store {self._path} is damaged and was left as it is. Move it away and run `cwproxy login`."


class _Statements:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def execute(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        rows: list[Row] = self._database.execute(sql, parameters).fetchall()
        return rows

    def changed(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        return self._database.execute(sql, parameters).rowcount


def _row(cursor: sqlite3.Cursor, values: tuple[object, ...]) -> Row:
    return Row(zip((column[0] for column in cursor.description), values, strict=True))
