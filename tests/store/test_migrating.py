import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from tests.support.records import a_registration, a_token, an_account

from cwproxy.errors import StoreError
from cwproxy.store import Store, schema
from cwproxy.store.sqlite import FILE_NAME

FIRST = """
CREATE TABLE account (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, sso_region TEXT NOT NULL, created_at REAL NOT NULL,
    start_url TEXT, profile_arn TEXT, surface TEXT, state TEXT NOT NULL, state_detail TEXT NOT NULL
) STRICT;
CREATE TABLE registration (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE, client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL, expires_at REAL NOT NULL, region TEXT NOT NULL, scopes TEXT NOT NULL
) STRICT;
CREATE TABLE token (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE, access_token TEXT NOT NULL,
    refresh_token TEXT, expires_at REAL NOT NULL, generation INTEGER NOT NULL
) STRICT;
CREATE TABLE refresh_started (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE, generation INTEGER NOT NULL,
    started_at REAL NOT NULL, padding BLOB NOT NULL
) STRICT;
INSERT INTO account VALUES ('one', 'builder-id', 'mine', 'us-east-1', 1750000000.0,
    'https://view.awsapps.com/start', NULL, NULL, 'active', '');
INSERT INTO registration VALUES ('one', 'client-0', 'canary-client-secret-0', 1757776000.0, 'us-east-1',
    '["codewhisperer:completions", "codewhisperer:analysis", "codewhisperer:conversations"]');
INSERT INTO token VALUES ('one', 'canary-access-0', 'canary-refresh-0', 1750003600.0, 1);
PRAGMA application_id = 1668771960;
PRAGMA user_version = 1;
"""
"""A file as the first version left it: no table of the version."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(path: Path, statement: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path)
    with database:
        answer = database.execute(statement).fetchall()
    database.close()
    return answer


def first_version(directory: Path) -> Path:
    directory.mkdir(mode=0o700)
    path = directory / FILE_NAME
    path.touch(0o600)
    database = sqlite3.connect(path)
    database.executescript(FIRST)
    database.close()
    return path


def test_the_file_carries_its_version(directory: Path) -> None:
    with Store.open(directory):
        pass
    assert run(directory / FILE_NAME, "PRAGMA user_version") == [(schema.HEAD,)]


def test_a_newer_file_is_refused_and_left_alone(directory: Path) -> None:
    with Store.open(directory) as store:
        store.add(an_account())
    run(directory / FILE_NAME, f"PRAGMA user_version = {schema.HEAD + 1}")
    with pytest.raises(StoreError, match="newer cwproxy"):
        Store.open(directory)
    assert run(directory / FILE_NAME, "SELECT count(*) FROM account") == [(1,)]


def test_a_file_of_the_first_version_is_brought_forward(directory: Path) -> None:
    path = first_version(directory)
    with Store.open(directory) as store:
        assert store.accounts() == [an_account()]
        assert store.token("one") == a_token()
        assert store.registration("one") == a_registration()
        assert store.replace_token("one", a_token(1, generation=2), expected_generation=1)
    assert run(path, "PRAGMA user_version") == [(schema.HEAD,)]
    assert run(path, f"SELECT * FROM {schema.VERSION_TABLE}") == [(f"{schema.HEAD:04}",)]


def test_many_may_bring_a_file_forward_at_once(directory: Path) -> None:
    first_version(directory)

    def label(_: int) -> str:
        with Store.open(directory) as store:
            return store.accounts()[0].label

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(label, range(8))) == {"mine"}


def test_a_step_that_fails_leaves_the_file_as_it_was(directory: Path) -> None:
    path = first_version(directory)
    run(path, "CREATE TABLE response (theirs TEXT)")
    with pytest.raises(StoreError, match="response"):
        Store.open(directory)
    assert run(path, "PRAGMA user_version") == [(1,)]
    assert run(path, "SELECT count(*) FROM sqlite_master WHERE name = 'usage'") == [(0,)]
    run(path, "DROP TABLE response")
    with Store.open(directory) as store:
        assert store.accounts() == [an_account()]


def test_another_programs_file_is_refused_and_left_alone(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    path = directory / FILE_NAME
    path.touch(0o600)
    run(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        Store.open(directory)
    assert run(path, "SELECT name FROM sqlite_master") == [("theirs",)]


def test_a_current_file_needs_neither_alembic_nor_sqlalchemy(directory: Path) -> None:
    with Store.open(directory):
        pass
    program = (
        "import sys; from pathlib import Path; from cwproxy.store import Store; Store.open(Path(sys.argv[1])).close(); "
        "print([name for name in ('alembic', 'sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program, str(directory)], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_many_may_open_an_empty_database_at_once(database_url: str) -> None:
    def add(number: int) -> None:
        with Store.open(database_url) as store:
            store.add(an_account(f"account-{number}"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(8)))
    with Store.open(database_url) as store:
        assert len(store.accounts()) == 8


@pytest.mark.parametrize("version", ["9999", "theirs"])
def test_a_newer_database_is_refused_and_left_alone(database_url: str, version: str) -> None:
    Store.open(database_url).close()
    with psycopg.connect(database_url) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = %s".encode(), (version,))
    with pytest.raises(StoreError, match="newer cwproxy"):
        Store.open(database_url)


def test_another_programs_database_is_refused_and_left_alone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE account (theirs int)")
    with pytest.raises(StoreError, match="another program"):
        Store.open(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)
