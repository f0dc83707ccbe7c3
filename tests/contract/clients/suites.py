"""Runs somebody's suite against a stack, as a process of its own."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.support.stack import KEY, Stack
from tests.support.venvs import INSTALL_SECONDS

SUITE_SECONDS: Final = 600

PATIENCE: Final = pytest.mark.timeout(INSTALL_SECONDS + SUITE_SECONDS + 20)
"""The first run on a machine downloads the suite."""

MODEL: Final = "claude-sonnet-4.5"
OTHER_MODEL: Final = "claude-haiku-4.5"
REASONING_MODEL: Final = "gpt-5.6-terra"
"""llm-comply runs its reasoning case only for such a name."""


def run(command: Sequence[str], stack: Stack, environment: Mapping[str, str] | None = None) -> str:
    """What the suite printed. Fails the test, showing that and the stack's logs, if the suite ends with a failure.

    The suite finds the proxy in `PROXY_BASE_URL`, its key in `PROXY_KEY`, what operators use in `PROXY_ADMIN_URL` and
    `PROXY_ADMIN_KEY`, the simulator in `SIMULATOR_URL`, models in
    `PROXY_MODEL` and `PROXY_OTHER_MODEL`. Its home is the stack's.
    """
    where = {
        "PROXY_BASE_URL": f"{stack.base_url}/v1",
        "SIMULATOR_URL": stack.simulator_url,
        "PROXY_KEY": KEY,
        "PROXY_ADMIN_URL": f"{stack.base_url}/admin",
        "PROXY_ADMIN_KEY": stack.admin_key,
        "PROXY_MODEL": MODEL,
        "PROXY_OTHER_MODEL": OTHER_MODEL,
    }
    try:
        done = subprocess.run(
            command,
            env={**stack.environment(), **where, **(environment or {})},
            cwd=stack.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SUITE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"no end after {SUITE_SECONDS} s:\n{error.output!r}\n{stack.tail()}", pytrace=False)
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{stack.tail()}", pytrace=False)
    return done.stdout


def run_pytest(suite: Path, stack: Stack, *, python: Path = Path(sys.executable), pattern: str = "cases*.py") -> str:
    """The same for the cases in a folder with its own `pytest.ini`; this project's conftest files stay out of it."""
    files = sorted(suite.glob(pattern))
    arguments = ["-c", suite / "pytest.ini", "--rootdir", suite, "--confcutdir", suite, *files]
    return run([str(python), "-m", "pytest", *map(str, arguments)], stack)
