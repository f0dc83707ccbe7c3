"""Replace a file that another program owns: whole at every moment, with the same mode and owner, where it lies."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from cwproxy.errors import SourceError

MAX_BYTES = 1024 * 1024
"""More than any of these files has ever had."""


def content(path: Path) -> bytes:
    """The whole file. Raises SourceError for what is not there, no file, unreadable or huge."""
    try:
        # Without blocking, because a pipe by that name would otherwise be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SourceError(f"{path} is no file.")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise SourceError(f"{path} is not there. Its program was never logged in, or has logged out.") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise SourceError(f"{path} is too large to be a login.")
    return data


def replace(path: Path, data: bytes) -> None:
    """Write beside it, to disk, then rename; a link stays a link. Raises SourceError, and then nothing has changed."""
    real = path.resolve()
    temporary: str | None = None
    try:
        before = real.stat()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent)
        with open(descriptor, "wb") as file:
            file.write(data)
            _dress(descriptor, before)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, real)
        temporary = None
        _sync_directory(real.parent)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def obstacle(path: Path) -> str | None:
    """Why `replace` would fail, as a clause. The file's own mode counts as its owner's wish."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if not mode & 0o200 or not _may(path, os.W_OK):
        return "the file is read-only"
    if not _may(path.resolve().parent, os.W_OK | os.X_OK):
        return "its directory is read-only"
    return None


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _dress(descriptor: int, before: os.stat_result) -> None:
    if not hasattr(os, "fchmod"):
        return  # Windows: the access list comes from the directory
    if os.getuid() != before.st_uid or os.getgid() != before.st_gid:
        with contextlib.suppress(OSError):  # only the superuser may give files away
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _sync_directory(path: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
