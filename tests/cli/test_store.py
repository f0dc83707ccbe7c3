import sys
from pathlib import Path
from stat import S_IMODE

import pytest
from tests.cli.conftest import Cli
from tests.support.postgresql import PASSWORD
from tests.support.program import clean_environment, finished
from tests.support.records import a_registration, a_token, an_account

from cwproxy.store import Store


def logged_in(home: Path) -> None:
    with Store.open(home / "data") as store:
        store.add(an_account(), a_token(), a_registration())


def test_from_a_file_to_postgresql_and_back(
    cli: Cli, home: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(home)
    there, back = tmp_path / "there.jsonl", tmp_path / "back.jsonl"
    done = cli("store", "export", str(there))
    assert done.code == 0, done.err
    assert "Wrote 3 rows" in done.out
    assert "holds secrets" in done.err
    assert S_IMODE(there.stat().st_mode) == 0o600

    done = cli("store", "import", str(there), "--database-url", database_url)
    assert done.code == 0, done.err
    assert "Took 3 rows" in done.out
    assert PASSWORD not in done.out + done.err
    monkeypatch.setenv("CWPROXY_DATABASE_URL", database_url)
    assert "mine" in cli("whoami").out

    assert cli("store", "export", str(back)).code == 0
    assert back.read_text() == there.read_text()


def test_migrate_says_where_it_is(cli: Cli, home: Path) -> None:
    done = cli("store", "migrate")
    assert done.code == 0
    assert str(home / "data") in done.out
    assert "schema" in done.out


def test_a_file_that_is_there_is_not_overwritten(cli: Cli, home: Path, tmp_path: Path) -> None:
    logged_in(home)
    path = tmp_path / "export"
    path.write_text("mine")
    done = cli("store", "export", str(path))
    assert done.code == 1
    assert "File exists" in done.err
    assert path.read_text() == "mine"


def test_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text("{}")
    path.chmod(0o644)
    done = cli("store", "import", str(path))
    assert done.code == 1
    assert f"chmod 600 {path}" in done.err


def test_a_file_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    done = cli("store", "import", str(tmp_path / "nothing"))
    assert done.code == 1
    assert "No such file" in done.err


def test_a_url_that_is_none_is_one_sentence_without_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_DATABASE_URL", "mysql://user:canary@host/x")
    done = cli("store", "migrate")
    assert done.code == 1
    assert "postgresql://" in done.err
    assert "canary" not in done.out + done.err
    assert len(done.err.splitlines()) == 1


_FULL_DISK = """
import atexit, resource, signal, sys
from cwproxy.cli import main

# What measures coverage writes its own files at the end.
atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
main(sys.argv[1:])
"""


def test_a_full_disk_leaves_no_half_file(cli: Cli, home: Path, tmp_path: Path) -> None:
    with Store.open(home / "data") as store:
        store.add(an_account(label="long " * 20_000))
    path = tmp_path / "export"
    done = finished([sys.executable, "-c", _FULL_DISK, "store", "export", str(path)], clean_environment(home))
    assert done.code == 1
    assert done.err == f"error: Cannot write {path}: File too large.\n"
    assert not path.exists()


def test_a_directory_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    done = cli("store", "export", str(tmp_path / "nowhere" / "export"))
    assert done.code == 1
    assert "Cannot make the file" in done.err
