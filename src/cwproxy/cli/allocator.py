"""The C library's allocator for the process that serves.

CPython keeps small objects in arenas of 1 MiB and gives one back only when the last object in it is gone. What a peak
of streams leaves in free lists is enough to keep nearly every arena: after a thousand streams a process stays at its
peak. glibc's allocator gives back single pages (see `cwproxy.api.tidying`). It cannot be exchanged in a process that
runs, so the process starts anew, before it has done anything.
"""

import os
import sys


def use_system_allocator() -> None:
    """Replace this process by itself with `PYTHONMALLOC=malloc`. Returns where that is not possible, of no use, or
    already so. Someone who has set PYTHONMALLOC keeps it.
    """
    given = os.environ  # noqa: TID251 - importing settings would take longer than all of this
    if "PYTHONMALLOC" in given or not sys.executable or not _has_glibc():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(command[0], command, {**given, "PYTHONMALLOC": "malloc"})  # noqa: S606 - it is this program


def _has_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):  # Windows; macOS; musl
        return False
