import asyncio
import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.waiting import SECONDS, until

from cwproxy.codewhisperer.request import NEUTRAL_ENVIRONMENT
from cwproxy.upstream.workspace import (
    DIRECTORY_LIMIT,
    STATUS_LIMIT,
    VARIABLES_LIMIT,
    Workspace,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(tmp_path)], check=True)
    return tmp_path


async def test_says_nothing_unless_it_is_given_a_directory() -> None:
    silent = Workspace(variable_names=("HOME",))
    assert silent.environment() is NEUTRAL_ENVIRONMENT
    assert await silent.git_status() is None


async def test_names_the_system_the_directory_and_variables_without_their_values() -> None:
    told = Workspace(Path("/some/where"), ("EDITOR", "SECRET_KEY")).environment()
    assert told.operating_system in ("linux", "macos", "windows")
    assert told.current_working_directory == "/some/where"
    assert told.environment_variables is not None
    assert [(variable.key, variable.value) for variable in told.environment_variables] == [
        ("EDITOR", "set"),
        ("SECRET_KEY", "set"),
    ]


async def test_keeps_to_the_limits_of_the_service() -> None:
    names = ["", "X" * 257, *(f"NAME_{number}" for number in range(VARIABLES_LIMIT + 5))]
    told = Workspace(Path("/" + "d" * 500), names).environment()
    assert len(told.current_working_directory or "") == DIRECTORY_LIMIT
    assert [variable.key for variable in told.environment_variables or []] == names[2 : VARIABLES_LIMIT + 2]


async def test_no_variables_are_no_member() -> None:
    assert Workspace(Path("/")).environment().environment_variables is None


async def test_the_status_of_a_checkout(checkout: Path) -> None:
    (checkout / "new.py").write_text("")
    assert await Workspace(checkout, patience=SECONDS).git_status() == "## No commits yet on trunk\n?? new.py\n"


async def test_a_long_status_is_cut(checkout: Path) -> None:
    for number in range(200):
        (checkout / f"{'f' * 40}-{number}").write_text("")
    status = await Workspace(checkout, patience=SECONDS).git_status()
    assert status is not None
    assert len(status) == STATUS_LIMIT


async def test_outside_a_checkout_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert await Workspace(tmp_path, patience=SECONDS).git_status() is None


async def test_a_directory_that_is_gone(tmp_path: Path) -> None:
    assert await Workspace(tmp_path / "gone", patience=SECONDS).git_status() is None


async def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await Workspace(tmp_path, patience=SECONDS).git_status() is None


async def test_a_git_that_hangs_is_ended(hanging_git: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    assert await Workspace(tmp_path).git_status() is None
    assert time.monotonic() - started < SECONDS
    assert_ended(hanging_git)


async def test_nobody_waiting_ends_git(hanging_git: Path, tmp_path: Path) -> None:
    asking = asyncio.ensure_future(Workspace(tmp_path, patience=60).git_status())
    await until(hanging_git.exists)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert_ended(hanging_git)


@pytest.fixture
def hanging_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a git that takes a minute writes its process id."""
    git = tmp_path / "git"
    git.write_text('#!/bin/sh\necho $$ > "$0.pid.part" && mv "$0.pid.part" "$0.pid"\nexec sleep 60\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "git.pid"


def assert_ended(pid: Path) -> None:
    """Or, on a slow machine, has never begun."""
    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
