"""Files that hold secrets are private to one user, or they are refused; nothing is mended silently
(reliability.md 2.2 1). On Windows the profile directory's access list does this work and nothing is checked.
"""

import os
import stat
import sys
from pathlib import Path

from cwproxy.errors import StoreError


def private_directory(path: Path, *, uid: int | None) -> None:
    """Make `path` with mode 0700 if it is missing, else check it. Raises StoreError with the command that mends it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
    except FileExistsError:
        check_private(path, uid=uid, kind=stat.S_IFDIR)
    except OSError as error:
        raise StoreError(f"Cannot make the directory {path}: {error.strerror}.") from error


def private_file(path: Path, *, uid: int | None) -> None:
    """Make an empty `path` with mode 0600 if it is missing, else check it. Raises StoreError."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        check_private(path, uid=uid, kind=stat.S_IFREG)
    except OSError as error:
        raise StoreError(f"Cannot make the file {path}: {error.strerror}.") from error


def check_private(path: Path, *, uid: int | None, kind: int) -> None:
    """Raise StoreError unless `path` is of the `kind` (stat.S_IFDIR or S_IFREG), of the owner `uid`, and closed to
    everybody else; what is not there is not refused. `uid` is None where the system has no such thing.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"Cannot look at {path}: {error.strerror}.") from error
    if stat.S_ISLNK(found.st_mode):
        raise StoreError(f"{path} is a symbolic link, which cwproxy does not follow. Move the real one here.")
    if stat.S_IFMT(found.st_mode) != kind:
        wanted = "directory" if kind == stat.S_IFDIR else "file"
        raise StoreError(f"{path} is not a {wanted}. Move it away.")
    if uid is None:
        return
    if found.st_uid != uid:
        raise StoreError(f"{path} belongs to another user (uid {found.st_uid}). Run: chown {uid} {path}")
    if found.st_mode & 0o077:
        mode = "700" if kind == stat.S_IFDIR else "600"
        raise StoreError(f"{path} can be read by other users of this machine. Run: chmod {mode} {path}")


def own_uid() -> int | None:
    return None if sys.platform == "win32" else os.getuid()
