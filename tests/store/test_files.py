import os
from pathlib import Path
from stat import S_IFDIR, S_IFREG

import pytest

from cwproxy.errors import StoreError
from cwproxy.store.files import check_private, own_uid, private_directory, private_file


def test_makes_missing_parents_too(tmp_path: Path) -> None:
    private_directory(tmp_path / "a" / "b", uid=os.getuid())
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_of_somebody_else_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    private_file(path, uid=os.getuid())
    somebody = os.getuid() + 1
    with pytest.raises(StoreError, match=f"chown {somebody} {path}"):
        check_private(path, uid=somebody, kind=S_IFREG)


def test_without_users_only_the_kind_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o644)
    check_private(path, uid=None, kind=S_IFREG)
    with pytest.raises(StoreError, match="not a directory"):
        check_private(path, uid=None, kind=S_IFDIR)


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a file"):
        private_file(tmp_path, uid=os.getuid())


def test_what_is_not_there_is_not_refused(tmp_path: Path) -> None:
    check_private(tmp_path / "nothing", uid=os.getuid(), kind=S_IFREG)


def test_a_path_through_a_file_is_an_error_of_the_store(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o600)
    with pytest.raises(StoreError, match="Cannot make the directory"):
        private_directory(file / "a" / "b", uid=os.getuid())
    with pytest.raises(StoreError, match="Cannot make the file"):
        private_file(file / "a", uid=os.getuid())
    with pytest.raises(StoreError, match="Cannot look at"):
        check_private(file / "a", uid=os.getuid(), kind=S_IFREG)


def test_our_own_user() -> None:
    assert own_uid() == os.getuid()
