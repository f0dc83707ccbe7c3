import platform
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.program import clean_environment
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is put to use")

PROGRAM = """
import os, sys
from cwproxy.cli.allocator import use_system_allocator
use_system_allocator()
print(os.environ["PYTHONMALLOC"], os.environ.get("MALLOC_ARENA_MAX"), os.getpid(), sys.argv[1:], sys.flags.dev_mode)
"""


def started(tmp_path: Path, more: dict[str, str]) -> tuple[int, str]:
    command = [sys.executable, "-X", "dev", "-c", PROGRAM, "an argument", "--port"]
    environment = clean_environment(tmp_path, more)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    return process.pid, out.strip()


def test_the_same_process_goes_on_with_the_same_arguments(tmp_path: Path) -> None:
    pid, out = started(tmp_path, {})
    assert out == f"malloc 1 {pid} ['an argument', '--port'] True"


def test_what_somebody_has_chosen_stays(tmp_path: Path) -> None:
    pid, out = started(tmp_path, {"PYTHONMALLOC": "pymalloc"})
    assert out == f"pymalloc None {pid} ['an argument', '--port'] True"


def test_what_somebody_has_chosen_of_the_rest_stays_too(tmp_path: Path) -> None:
    pid, out = started(tmp_path, {"MALLOC_ARENA_MAX": "4"})
    assert out == f"malloc 4 {pid} ['an argument', '--port'] True"
