"""A directory that takes nothing, and somebody whom that stops: the superuser may write everywhere."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65_534


@contextmanager
def closed_directory() -> Iterator[Path]:
    """A new directory, still open; `close` it with `unprivileged`."""
    with tempfile.TemporaryDirectory(prefix="cwproxy-test-") as name:
        try:
            yield Path(name)
        finally:
            os.chmod(name, 0o700)


@contextmanager
def unprivileged(directory: Path) -> Iterator[None]:
    """Inside, `directory` may be read and not be written to, also when the tests run as root."""
    directory.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
