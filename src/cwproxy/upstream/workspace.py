"""What is told to the backend of the machine that cwproxy runs on. Nothing, unless the user switches it on.

The backend's request has room for the operating system, the working directory, environment variables and the
status of a git checkout (protocol.md 2.5). Only the *names* of environment variables are ever sent.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cwproxy.codewhisperer.request import NEUTRAL_ENVIRONMENT
from cwproxy.codewhisperer.wire import EnvironmentVariable, EnvState

GIT_SECONDS = 2.0
STATUS_LIMIT = 4_096
VARIABLES_LIMIT = 100
DIRECTORY_LIMIT = 256
KEY_LIMIT = 256
"""Characters and items that the service's model allows (protocol.md 2.5)."""

VALUE = "set"
"""Stands for every value: the model demands one, and values may be secrets."""


class Workspace(msgspec.Struct, frozen=True):
    """directory None means: say nothing about this machine. patience: seconds that git may take."""

    directory: Path | None = None
    variable_names: Sequence[str] = ()
    patience: float = GIT_SECONDS

    def environment(self) -> EnvState:
        if self.directory is None:
            return NEUTRAL_ENVIRONMENT
        names = [name for name in self.variable_names if 0 < len(name) <= KEY_LIMIT][:VARIABLES_LIMIT]
        return EnvState(
            operating_system={"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux"),
            current_working_directory=str(self.directory)[:DIRECTORY_LIMIT],
            environment_variables=[EnvironmentVariable(key=name, value=VALUE) for name in names] or None,
        )

    async def git_status(self) -> str | None:
        """`git status --short --branch` of the directory; None outside a checkout or where git is missing or slow."""
        if self.directory is None:
            return None
        try:
            process = await asyncio.create_subprocess_exec(
                "git", "status", "--short", "--branch",
                cwd=self.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            return None
        try:
            output, _ = await asyncio.wait_for(process.communicate(), self.patience)
        except TimeoutError:
            return None
        finally:
            if process.returncode is None:  # too slow, or nobody waits for it any more
                process.kill()
                await process.wait()
        return output.decode(errors="replace")[:STATUS_LIMIT] or None if process.returncode == 0 else None
