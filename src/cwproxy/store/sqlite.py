"""The store of one machine: SQLite with a write-ahead log, every commit on disk before it returns.

One connection behind a lock, so a `Store` may be used from any thread; processes are kept apart by short
`BEGIN IMMEDIATE` transactions. Synchronous: async callers go through a thread. Not for network file systems.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IFREG
from types import TracebackType
from typing import Self

from cwproxy.errors import StoreError
from cwproxy.store import rows
from cwproxy.store.files import check_private, own_uid, private_directory, private_file
from cwproxy.store.records import Account, AccountState, Registration, Reservation, Token
from cwproxy.store.schema import migrate

FILE_NAME = "cwproxy.sqlite3"
BUSY_SECONDS = 5.0

RESERVED_BYTES = 64 * 1024
"""What a reservation writes: more log than the largest token needs, so that storing it cannot find the disk full."""

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class Store:
    """Accounts, their registrations and tokens. Every method raises StoreError when the files cannot be used.

    Methods that change one account return whether they did: False means that it is gone, or that the token is no
    longer of the expected generation.
    """

    def __init__(self, directory: Path) -> None:
        """Open or make `directory`. Raises StoreError where it, or a file in it, is open to other users (with the
        command that mends it), damaged, of another program, or of a newer version; none of these is touched.
        """
        self.directory = directory
        self._path = directory / FILE_NAME
        self._lock = threading.Lock()
        uid = own_uid()
        private_directory(directory, uid=uid)
        private_file(self._path, uid=uid)
        for suffix in ("-wal", "-shm"):
            check_private(Path(f"{self._path}{suffix}"), uid=uid, kind=S_IFREG)
        self._refuse_lost_content()
        with self._converted():
            self._database = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def accounts(self) -> list[Account]:
        """All of them, oldest first."""
        with self._read("SELECT * FROM account ORDER BY created_at, id") as cursor:
            return [rows.account(row) for row in cursor]

    def account(self, account_id: str) -> Account | None:
        with self._read("SELECT * FROM account WHERE id = ?", account_id) as cursor:
            row = cursor.fetchone()
        return None if row is None else rows.account(row)

    def add(self, account: Account, token: Token | None = None, registration: Registration | None = None) -> None:
        """Raises StoreError also when there is an account of that id."""
        with self._transaction() as database:
            database.execute(rows.INSERT_ACCOUNT, rows.of_account(account))
            if token is not None:
                database.execute(rows.PUT_GRANT, rows.of_token(account.id, token, token.generation))
            if registration is not None:
                database.execute(rows.PUT_REGISTRATION, rows.of_registration(account.id, registration))

    def set_state(self, account_id: str, state: AccountState, detail: str = "") -> bool:
        with self._transaction() as database:
            return _put_state(database, account_id, state, detail)

    def set_profile(self, account_id: str, profile_arn: str | None) -> bool:
        with self._transaction() as database:
            statement = "UPDATE account SET profile_arn = ? WHERE id = ?"
            return database.execute(statement, (profile_arn, account_id)).rowcount == 1

    def set_surface(self, account_id: str, surface: str | None) -> bool:
        with self._transaction() as database:
            statement = "UPDATE account SET surface = ? WHERE id = ?"
            return database.execute(statement, (surface, account_id)).rowcount == 1

    def remove(self, account_id: str) -> bool:
        """Forget the account. Its secrets are overwritten in the file and in its log, not merely unlinked."""
        with self._transaction() as database:
            removed = database.execute("DELETE FROM account WHERE id = ?", (account_id,)).rowcount == 1
        with self._read("PRAGMA wal_checkpoint(TRUNCATE)"):
            return removed

    def token(self, account_id: str) -> Token | None:
        with self._read("SELECT * FROM token WHERE account_id = ?", account_id) as cursor:
            row = cursor.fetchone()
        return None if row is None else rows.token(row)

    def replace_token(self, account_id: str, token: Token, *, expected_generation: int) -> bool:
        """Store `token`, whose generation must be higher, if the stored one is still of `expected_generation`.
        A success ends the reservation, and `needs_login` where the account was in it.
        """
        if token.generation <= expected_generation:
            raise ValueError("a replacement has a higher generation")
        with self._transaction() as database:
            if not _is_at(database, account_id, expected_generation):
                return False
            database.execute(rows.PUT_GRANT, rows.of_token(account_id, token, token.generation))
            statement = "UPDATE account SET state = ?, state_detail = '' WHERE id = ? AND state = ?"
            database.execute(statement, (AccountState.ACTIVE.value, account_id, AccountState.NEEDS_LOGIN.value))
            return True

    def replace_login(self, account_id: str, token: Token, registration: Registration | None) -> bool:
        """Store what a person's new login gave, whatever was there, and make the account active. The stored
        generation is one higher than the last.
        """
        with self._transaction() as database:
            last = database.execute(
                "SELECT coalesce(max(generation), 0) AS generation FROM token WHERE account_id = ?", (account_id,)
            ).fetchone()["generation"]
            if database.execute("SELECT 1 FROM account WHERE id = ?", (account_id,)).fetchone() is None:
                return False
            database.execute(rows.PUT_GRANT, rows.of_token(account_id, token, last + 1))
            if registration is not None:
                database.execute(rows.PUT_REGISTRATION, rows.of_registration(account_id, registration))
            _put_state(database, account_id, AccountState.ACTIVE, "")
            return True

    def quarantine(self, account_id: str, reason: str, *, expected_generation: int) -> bool:
        """Note that the service refused to renew the token. It is kept: a refusal has been wrong before, and a
        newer token from elsewhere ends the state (backend-rules.md C 4).
        """
        with self._transaction() as database:
            if not _is_at(database, account_id, expected_generation):
                return False
            return _put_state(database, account_id, AccountState.NEEDS_LOGIN, reason)

    def registration(self, account_id: str) -> Registration | None:
        with self._read("SELECT * FROM registration WHERE account_id = ?", account_id) as cursor:
            row = cursor.fetchone()
        return None if row is None else rows.registration(row)

    def save_registration(self, account_id: str, registration: Registration) -> None:
        """Raises StoreError also when there is no such account."""
        with self._transaction() as database:
            database.execute(rows.PUT_REGISTRATION, rows.of_registration(account_id, registration))

    def reserve(self, account_id: str, *, expected_generation: int, started_at: float) -> bool:
        """Announce a refresh and make room for its result, before the refresh token is spent (reliability.md 2.2 3)."""
        with self._transaction() as database:
            if not _is_at(database, account_id, expected_generation):
                return False
            database.execute(rows.PUT_RESERVATION, (account_id, expected_generation, started_at, RESERVED_BYTES))
        # Moves the padding out of the log, whose space the next commit then overwrites instead of growing the file.
        with self._read("PRAGMA wal_checkpoint(PASSIVE)"):
            return True

    def release(self, account_id: str) -> None:
        """Take the announcement back: the refresh ended without a result."""
        with self._transaction() as database:
            database.execute("DELETE FROM refresh_started WHERE account_id = ?", (account_id,))

    def unfinished(self, account_id: str) -> Reservation | None:
        """A refresh of the current token that was announced and neither stored nor released: it was cut off, or
        it is running in another process.
        """
        statement = (
            "SELECT generation, started_at FROM refresh_started JOIN token USING (account_id, generation) "
            "WHERE account_id = ?"
        )
        with self._read(statement, account_id) as cursor:
            row = cursor.fetchone()
        return None if row is None else Reservation(row["generation"], row["started_at"])

    def _prepare(self) -> None:
        self._database.row_factory = sqlite3.Row
        with self._converted():
            self._write_ahead()
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.execute("PRAGMA foreign_keys = ON")
            (verdict,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(self._damage())
        with self._transaction() as database:
            migrate(database, str(self._path))

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
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._converted():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _read(self, statement: str, *parameters: str) -> Iterator[sqlite3.Cursor]:
        with self._lock, self._converted():
            cursor = self._database.execute(statement, parameters)
            try:
                yield cursor
            finally:
                cursor.close()

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


def _is_at(database: sqlite3.Connection, account_id: str, generation: int) -> bool:
    statement = "SELECT 1 FROM token WHERE account_id = ? AND generation = ?"
    return database.execute(statement, (account_id, generation)).fetchone() is not None


def _put_state(database: sqlite3.Connection, account_id: str, state: AccountState, detail: str) -> bool:
    statement = "UPDATE account SET state = ?, state_detail = ? WHERE id = ?"
    return database.execute(statement, (state.value, detail, account_id)).rowcount == 1
