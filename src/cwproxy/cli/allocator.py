"""The C library's allocator for the process that serves.

CPython keeps small objects in arenas of 1 MiB and gives one back only when the last object in it is gone. What a peak
of streams leaves in free lists is enough to keep nearly every arena: after a thousand streams a process stays at its
peak. glibc's allocator gives back single pages (see `cwproxy.api.tidying`). It cannot be exchanged in a process that
runs, so the process starts anew, before it has done anything.
"""

import os
import sys
from typing import Final

_WISHES: Final = {
    "PYTHONMALLOC": "malloc",
    # Bodies of more than a megabyte are worked on in threads. An arena for each of them keeps what only it has used.
    "MALLOC_ARENA_MAX": "1",
    # Such a body takes several pieces of its size. To ask the system for each, and to give each back at once, means to
    # have all its pages cleared: a tenth of the time that the request takes. `tidying` gives them back later.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(1024 * 1024),
}
"""See mallopt(3); sizes in bytes. What the environment has already counts more."""


def use_system_allocator() -> None:
    """Replace this process by itself with `_WISHES`. Returns where that is not possible, of no use, or already so.
    Someone who has set PYTHONMALLOC keeps it.
    """
    given = os.environ  # noqa: TID251 - importing settings would take longer than all of this
    if "PYTHONMALLOC" in given or not sys.executable or not _has_glibc():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(command[0], command, {**_WISHES, **given})  # noqa: S606 - it is this program


def _has_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # Windows; macOS; musl
        return False
