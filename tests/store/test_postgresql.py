import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.postgresql import PASSWORD, PostgresqlServer, stopped
from tests.support.records import a_token, an_account
from tests.support.waiting import SECONDS

from cwproxy.errors import StoreError
from cwproxy.store import Store, open_database
from cwproxy.store.postgresql import PostgresqlDatabase


@pytest.mark.parametrize(
    "url",
    [
        "nonsense canary",
        "mysql://user:canary@host/database",
        "postgresql://user:canary@host:canary/database",
        "postgresql://user:canary/@[::1/database",
    ],
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError, match="postgresql://user:password@host") as caught:
        open_database(url)
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there(database_url: str) -> None:
    with pytest.raises(StoreError, match=r"postgresql://127\.0\.0\.1:1/x cannot be used: .*refused") as caught:
        open_database("postgresql://user:canary@127.0.0.1:1/x")
    assert "canary" not in caught.value.message


def test_a_wrong_password_is_not_repeated(postgresql_server: PostgresqlServer) -> None:
    with pytest.raises(StoreError, match="authentication failed") as caught:
        open_database(postgresql_server.url.replace(PASSWORD, "canary-wrong"))
    assert "canary" not in caught.value.message


def test_the_short_name_of_the_scheme_and_options_of_the_user(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgres://") + "?options=-c%20statement_timeout%3D7s"
    database = open_database(url)
    with database.reading() as statements:
        (row,) = statements.execute("SELECT current_setting('statement_timeout') AS timeout")
    database.close()
    assert row.text("timeout") == "7s"


def test_a_text_that_cannot_be_stored_is_a_store_error_without_it(database_url: str) -> None:
    with Store.open(database_url) as store, pytest.raises(StoreError) as caught:
        store.add(an_account(label="canary\0"))
    assert "canary" not in caught.value.message


def backends(store: Store) -> list[int]:
    with store.database.reading() as statements:
        rows = statements.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'cwproxy' AND datname = current_database()"
        )
    return [row.whole("pid") for row in rows]


def test_a_server_that_hangs_is_not_waited_for_for_ever(database_url: str) -> None:
    store = Store(PostgresqlDatabase(database_url, answer_seconds=2.0))
    with pytest.raises(StoreError, match="no answer for 2 s"), store.database.reading() as statements:
        statements.execute("SELECT 1")
        with stopped(backends(store)):
            statements.execute("SELECT 1")
    with stopped(backends(store)):
        assert store.accounts() == [], "another connection"
    store.close()


def test_to_close_the_store_ends_who_waits_for_a_server_that_hangs(database_url: str) -> None:
    store = Store.open(database_url)
    with stopped(backends(store)), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(store.accounts)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        store.close()
        assert isinstance(waiting.exception(SECONDS), StoreError)


def test_its_clock_is_this_machines_where_it_runs_here(database_url: str) -> None:
    database = open_database(database_url)
    began = time.monotonic()
    skew = database.skew()
    assert abs(skew) < 1.0 + time.monotonic() - began
    assert database.skew() == database.skew(), "not measured every time"
    database.close()


def test_a_server_that_was_restarted_is_found_again(postgresql_server: PostgresqlServer, database_url: str) -> None:
    with Store.open(database_url) as store:
        store.add(an_account(), a_token())
        postgresql_server.stop()
        with pytest.raises(StoreError, match="cannot be used"):
            store.accounts()
        with pytest.raises(StoreError), store.database.locked("one", within=0.1):
            pass
        postgresql_server.start()
        assert store.accounts() == [an_account()]


def test_a_lock_whose_connection_is_lost_ends_quietly(postgresql_server: PostgresqlServer, database_url: str) -> None:
    with Store.open(database_url) as store:
        with store.database.locked("one", within=SECONDS) as held:
            assert held
            postgresql_server.stop()
        postgresql_server.start()
        with store.database.locked("one", within=SECONDS) as held:
            assert held
