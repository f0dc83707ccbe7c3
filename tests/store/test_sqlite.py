import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.records import NOW, a_registration, a_token, an_account

from cwproxy.errors import StoreError
from cwproxy.store import Store
from cwproxy.store.sqlite import FILE_NAME


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "cwproxy"


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def edit(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.usefixtures("loose_umask")
def test_files_are_private_whatever_the_umask(directory: Path) -> None:
    with Store.open(directory) as store:
        store.add(an_account(), a_token())
        assert mode(directory) == 0o700
        assert {path.name: mode(path) for path in directory.iterdir()} == {
            FILE_NAME: 0o600,
            f"{FILE_NAME}-wal": 0o600,
            f"{FILE_NAME}-shm": 0o600,
        }


def test_an_open_directory_is_refused_with_the_command_that_mends_it(directory: Path) -> None:
    directory.mkdir(parents=True, mode=0o700)
    directory.chmod(0o750)
    with pytest.raises(StoreError, match=f"chmod 700 {directory}"):
        Store.open(directory)
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_an_open_file_is_refused_with_the_command_that_mends_it(directory: Path, suffix: str) -> None:
    with Store.open(directory):
        path = directory / f"{FILE_NAME}{suffix}"
        path.chmod(0o640)
        with pytest.raises(StoreError, match=f"chmod 600 {path}"):
            Store.open(directory)


def test_a_link_in_place_of_the_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    directory.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    directory.symlink_to(elsewhere)
    with pytest.raises(StoreError, match="symbolic link"):
        Store.open(directory)


def test_a_link_in_place_of_the_file_is_refused(directory: Path, tmp_path: Path) -> None:
    directory.mkdir(parents=True, mode=0o700)
    target = tmp_path / "target"
    target.touch(0o600)
    (directory / FILE_NAME).symlink_to(target)
    with pytest.raises(StoreError, match="symbolic link"):
        Store.open(directory)
    assert target.read_bytes() == b""


@pytest.mark.parametrize("content", [b"not a database, and long enough to be looked at" * 100, b"{}"])
def test_a_damaged_file_is_left_as_it_is(directory: Path, content: bytes) -> None:
    directory.mkdir(parents=True, mode=0o700)
    path = directory / FILE_NAME
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(directory)
    assert path.read_bytes() == content


def test_a_file_with_damaged_pages_is_refused(directory: Path) -> None:
    with Store.open(directory) as store:
        for number in range(20):
            store.add(an_account(f"account-{number}"), a_token(number))
    path = directory / FILE_NAME
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(directory)
    assert path.read_bytes() == bytes(content)


def test_an_emptied_file_whose_log_has_the_content_is_refused(directory: Path) -> None:
    directory.mkdir(parents=True, mode=0o700)
    (directory / FILE_NAME).touch(0o600)
    log = directory / f"{FILE_NAME}-wal"
    log.touch(0o600)
    log.write_bytes(b"content")
    with pytest.raises(StoreError, match="damaged"):
        Store.open(directory)
    assert log.read_bytes() == b"content"


def test_an_empty_file_is_a_new_store(directory: Path) -> None:
    directory.mkdir(parents=True, mode=0o700)
    (directory / FILE_NAME).touch(0o600)
    with Store.open(directory) as store:
        assert store.accounts() == []


def test_a_kind_of_a_later_version_is_named(directory: Path) -> None:
    with Store.open(directory) as store:
        store.add(an_account())
        edit(directory / FILE_NAME, "UPDATE account SET kind = 'telepathy'")
        with pytest.raises(StoreError, match="telepathy"):
            store.accounts()


def test_removed_secrets_are_overwritten(directory: Path) -> None:
    with Store.open(directory) as store:
        store.add(an_account("one"), a_token(1), a_registration())
        store.reserve("one", expected_generation=1, started_at=NOW)
        store.replace_token("one", a_token(2, generation=2), expected_generation=1)
        assert b"canary" in b"".join(path.read_bytes() for path in directory.iterdir())
        store.remove("one")
        assert b"canary" not in b"".join(path.read_bytes() for path in directory.iterdir())


@pytest.mark.parametrize("_", range(10))
def test_many_may_open_a_new_store_at_once(directory: Path, _: int) -> None:
    def open_and_add(number: int) -> None:
        with Store.open(directory) as store:
            store.add(an_account(f"account-{number}"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_and_add, range(8)))
    with Store.open(directory) as store:
        assert len(store.accounts()) == 8


_FULL_DISK = """
import resource, sys
from pathlib import Path
from cwproxy.errors import StoreError
from cwproxy.store import Secret, Store, Token

directory = Path(sys.argv[1])
with Store.open(directory) as store:
    if sys.argv[2] == "reserved":
        assert store.reserve("one", expected_generation=1, started_at=0.0)
    size = next(path for path in directory.iterdir() if path.name.endswith("-wal")).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        if sys.argv[2] == "reserved":
            big = Token(Secret("a" * 12_000), Secret("r" * 12_000), 0.0, 2)
            print(store.replace_token("one", big, expected_generation=1))
        else:
            print(store.reserve("one", expected_generation=1, started_at=0.0))
    except StoreError as error:
        print("refused:", error.message)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize(("case", "printed"), [("reserved", "True"), ("not reserved", "refused:")])
def test_a_full_disk_is_met_by_the_reservation_and_not_by_the_token(directory: Path, case: str, printed: str) -> None:
    with Store.open(directory) as store:
        store.add(an_account(), a_token())
    result = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(directory), case], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith(printed)
    with Store.open(directory) as store:
        token = store.token("one")
    assert token is not None
    assert token.generation == (2 if case == "reserved" else 1)


def test_the_error_of_an_unusable_store_names_its_file(directory: Path) -> None:
    with Store.open(directory) as store:
        store.add(an_account())
        edit(directory / FILE_NAME, "DROP TABLE token")
        with pytest.raises(StoreError, match=FILE_NAME):
            store.token("one")
