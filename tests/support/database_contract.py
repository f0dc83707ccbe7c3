"""What every database does. Subclass it and say in `open_database` how one is opened."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.waiting import SECONDS

from cwproxy.errors import StoreError
from cwproxy.store import Database

OpenDatabase = Callable[[], Database]

_HOLD = """
import sys
from pathlib import Path
from cwproxy.store import open_database

where = sys.argv[1]
database = open_database(where if "://" in where else Path(where))
with database.locked("one", within=5) as held:
    print(held, flush=True)
    sys.stdin.read()
"""

KEY = "INSERT INTO api_key (id, name, prefix, hash, created_at) VALUES (:id, :name, 'cwp_', :id, 1.5)"


class DatabaseContract:
    @pytest.fixture
    def database(self, open_database: OpenDatabase) -> Iterator[Database]:
        database = open_database()
        yield database
        database.close()

    def test_rows_come_back_by_name_and_with_their_types(self, database: Database) -> None:
        with database.transaction() as statements:
            assert statements.execute(KEY, {"id": "a", "name": "mine"}) == []
            assert statements.changed("UPDATE api_key SET in_flight = :n", {"n": 2**40}) == 1
        with database.reading() as statements:
            (row,) = statements.execute("SELECT * FROM api_key WHERE id = :id", {"id": "a"})
        assert (row.text("name"), row.number("created_at"), row.whole("in_flight")) == ("mine", 1.5, 2**40)
        assert (row.optional_text("models"), row.optional_number("revoked_at"), row.optional_whole("in_flight")) == (
            None,
            None,
            2**40,
        )
        assert row.optional_whole("requests_per_minute") is None

    def test_it_knows_the_time(self, database: Database) -> None:
        before = database.now()
        assert abs(before - time.time()) < SECONDS
        assert database.now() > before

    def test_a_time_is_kept_to_the_microsecond(self, database: Database) -> None:
        with database.transaction() as statements:
            statements.execute(KEY, {"id": "a", "name": "mine"})
            statements.execute("UPDATE api_key SET revoked_at = :at", {"at": 1_750_000_000.123456})
            (row,) = statements.execute("SELECT revoked_at FROM api_key")
        assert row.number("revoked_at") == 1_750_000_000.123456

    def test_bytes_come_back(self, database: Database) -> None:
        body = bytes(range(256))
        with database.transaction() as statements:
            statements.execute(
                "INSERT INTO response (id, created_at, expires_at, bytes, body) VALUES ('r', 1, 2, :size, :body)",
                {"size": len(body), "body": body},
            )
            (row,) = statements.execute("SELECT body FROM response")
        assert row.binary("body") == body

    def test_a_value_of_another_type_is_an_error(self, database: Database) -> None:
        with database.reading() as statements:
            (row,) = statements.execute("SELECT 'x' AS a, 1 AS b")
        for read in (lambda: row.number("a"), lambda: row.whole("a"), lambda: row.text("b"), lambda: row.binary("b")):
            with pytest.raises(StoreError, match="column [ab]"):
                read()

    def test_numbers_are_given_and_returned(self, database: Database) -> None:
        statement = "INSERT INTO usage (at, outcome) VALUES (:at, 'served') RETURNING id"
        with database.transaction() as statements:
            first, second = (statements.execute(statement, {"at": 1.0})[0].whole("id") for _ in range(2))
        assert second > first

    def test_an_exception_takes_everything_back(self, database: Database) -> None:
        with pytest.raises(ZeroDivisionError), database.transaction() as statements:
            statements.execute(KEY, {"id": "a", "name": "mine"})
            raise ZeroDivisionError
        with database.reading() as statements:
            assert statements.execute("SELECT * FROM api_key") == []

    def test_a_wrong_statement_is_a_store_error_without_its_values(self, database: Database) -> None:
        with database.transaction() as statements:
            statements.execute(KEY, {"id": "a", "name": "mine"})
        with pytest.raises(StoreError) as caught, database.transaction() as statements:
            statements.execute(KEY, {"id": "a", "name": "canary"})
        assert database.name in caught.value.message
        with pytest.raises(StoreError) as caught, database.transaction() as statements:
            statements.execute("UPDATE api_key SET name = :none, hash = :secret", {"none": None, "secret": "canary"})
        assert "canary" not in caught.value.message

    def test_one_view_while_others_write(self, open_database: OpenDatabase) -> None:
        reader, writer = open_database(), open_database()
        with reader.reading() as view:
            assert view.execute("SELECT * FROM api_key") == []
            with writer.transaction() as statements:
                statements.execute(KEY, {"id": "a", "name": "mine"})
            assert view.execute("SELECT * FROM api_key") == []
        with reader.reading() as view:
            assert len(view.execute("SELECT * FROM api_key")) == 1
        reader.close()
        writer.close()

    def test_a_lock_has_one_holder(self, open_database: OpenDatabase) -> None:
        first, second = open_database(), open_database()
        with first.locked("one", within=SECONDS) as held:
            assert held
            with second.locked("one", within=0.1) as also:
                assert not also
            with first.locked("one", within=0.1) as again:
                assert not again
            with second.locked("two", within=SECONDS) as other:
                assert other
        with second.locked("one", within=SECONDS) as held:
            assert held
        first.close()
        second.close()

    def test_a_lock_is_waited_for(self, open_database: OpenDatabase) -> None:
        first, second = open_database(), open_database()

        def wait() -> bool:
            with second.locked("one", within=SECONDS) as held:
                return held

        with ThreadPoolExecutor(1) as thread:
            with first.locked("one", within=SECONDS) as held:
                assert held
                waiting = thread.submit(wait)
                with pytest.raises(TimeoutError):
                    waiting.result(0.3)
            assert waiting.result(SECONDS)
        first.close()
        second.close()

    def test_a_lock_dies_with_its_holder(self, database: Database, where: Path | str) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(where)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "True\n"
            with database.locked("one", within=0.1) as held:
                assert not held
            holder.kill()
            with database.locked("one", within=SECONDS) as held:
                assert held

    def test_a_closed_database_says_so(self, open_database: OpenDatabase) -> None:
        database = open_database()
        database.close()
        with pytest.raises(StoreError), database.reading():
            pass
        with pytest.raises(StoreError), database.transaction():
            pass

    def test_it_may_be_tidied_at_any_time(self, database: Database) -> None:
        database.checkpoint()
        database.checkpoint(wipe=True)
