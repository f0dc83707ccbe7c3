import os
import subprocess
import sys
import threading
from pathlib import Path
from stat import S_IMODE

import pytest
from tests.support.unprivileged import closed_directory, unprivileged

from cwproxy.accounts.sources.replacing import MAX_BYTES, content, obstacle, replace
from cwproxy.errors import SourceError

ROUNDS = 40


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace(path, b"new")
    assert content(path) == b"new"
    assert S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "file", tmp_path / "link"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link.symlink_to(real)
    replace(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser may give files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 12346)
    replace(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        content(tmp_path / "none")
    with pytest.raises(SourceError, match=r"is no file|cannot be read"):
        content(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="is no file"):
        content(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(SourceError, match="too large"):
        content(tmp_path / "huge")


def test_what_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        replace(tmp_path / "none", b"new")
    assert os.listdir(tmp_path) == []
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "inside").touch()
    with pytest.raises(SourceError, match="cannot be written"):
        replace(tmp_path / "directory", b"new")
    assert os.listdir(tmp_path) == ["directory"]


def test_obstacles(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert "cannot be looked at" in (obstacle(path) or "")
    path.write_bytes(b"old")
    assert obstacle(path) is None
    path.chmod(0o400)
    assert obstacle(path) == "the file is read-only"


def test_a_directory_that_takes_nothing() -> None:
    with closed_directory() as directory:
        path = directory / "file"
        path.write_bytes(b"old")
        path.chmod(0o666)
        with unprivileged(directory):
            assert obstacle(path) == "its directory is read-only"
            with pytest.raises(SourceError, match="cannot be written: Permission denied"):
                replace(path, b"new")
        assert path.read_bytes() == b"old"


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    sizes = {300_000 + number for number in range(10)}
    path.write_bytes(b"x" * min(sizes))
    program = (
        "import sys; from pathlib import Path; from cwproxy.accounts.sources.replacing import replace\n"
        "n = 0\nprint('on', flush=True)\n"
        "while True: n += 1; replace(Path(sys.argv[1]), b'x' * (300_000 + n % 10))"
    )
    wait = threading.Event()
    for number in range(ROUNDS):
        writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        wait.wait(number % 10 / 500)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert path.stat().st_size in sizes
