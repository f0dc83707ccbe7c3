"""Virtual environments for other people's programs, one for each requirements file, made once and kept.

Contract: `interpreter(name, requirements)` gives a Python that has exactly those packages. The environment is in the
checkout's `.cache/venvs`, under a name that changes with the requirements and with this Python; a half-made one (a
download that failed) is thrown away by the next caller.
"""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "venvs"
INSTALL_SECONDS = 600


def interpreter(name: str, requirements: Path) -> Path:
    """The path of the environment's `python`. Raises RuntimeError with pip's own words when an install fails."""
    wanted = f"{sys.version}\n{requirements.read_text()}"
    directory = CACHE / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"
    python = directory / "bin" / "python"
    complete = directory / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if not complete.exists():
            shutil.rmtree(directory, ignore_errors=True)
            venv.create(directory, with_pip=True)
            _install(python, requirements)
            complete.touch()
    return python


def _install(python: Path, requirements: Path) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not install {requirements}:\n{done.stdout}{done.stderr}")
