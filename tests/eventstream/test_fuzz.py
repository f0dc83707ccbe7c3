"""A bounded run of the fuzzer. It wants a process of its own."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzz_decoder.py")


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed; it has wheels for Linux and Python 3.11 to 3.13 only",
)
def test_nothing_but_a_frame_error_gets_out(tmp_path: Path) -> None:
    limits = ["-runs=20000", "-seed=1", "-max_len=400", "-len_control=0"]
    command = [sys.executable, str(PROGRAM), *limits, f"-artifact_prefix={tmp_path}/"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Done 20000" in run.stderr
