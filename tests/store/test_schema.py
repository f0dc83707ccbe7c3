import sqlite3
from pathlib import Path

import pytest
from tests.support.records import an_account

from cwproxy.errors import StoreError
from cwproxy.store import Store
from cwproxy.store.schema import MIGRATIONS
from cwproxy.store.sqlite import FILE_NAME


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(path: Path, statement: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(path)
    with database:
        answer = database.execute(statement).fetchall()
    database.close()
    return answer


def test_the_file_carries_its_version(directory: Path) -> None:
    with Store(directory):
        pass
    assert run(directory / FILE_NAME, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_a_newer_file_is_refused_and_left_alone(directory: Path) -> None:
    with Store(directory) as store:
        store.add(an_account())
    run(directory / FILE_NAME, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer cwproxy"):
        Store(directory)
    assert run(directory / FILE_NAME, "SELECT count(*) FROM account") == [(1,)]


def test_an_older_file_is_brought_forward(directory: Path) -> None:
    """A file of the first version opens, whatever the newest one is."""
    directory.mkdir(mode=0o700)
    path = directory / FILE_NAME
    path.touch(0o600)
    database = sqlite3.connect(path)
    database.executescript(MIGRATIONS[0])
    database.executescript(f"PRAGMA application_id = {0x63777078}; PRAGMA user_version = 1")
    database.close()
    with Store(directory) as store:
        store.add(an_account())
        assert store.accounts() == [an_account()]
    assert run(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_another_programs_database_is_refused_and_left_alone(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    path = directory / FILE_NAME
    path.touch(0o600)
    run(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        Store(directory)
    assert run(path, "SELECT name FROM sqlite_master") == [("theirs",)]
