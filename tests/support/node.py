"""Node.js beside the tests: AWS's own JavaScript clients, installed once, and a way to run a program with them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from filelock import FileLock

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_PACKAGE_JSON: Final = _REPOSITORY / "tests" / "contract" / "node" / "package.json"
_CACHE: Final = _REPOSITORY / ".cache" / "contract-node"
_INSTALL_SECONDS: Final = 240


def missing_program() -> str | None:
    """Why no Node program can run here, or None."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return (
                f"Node is not installed (there is no {program!r} on the PATH); the contract tests need Node 20 or newer"
            )
    return None


def install(package_json: Path = _PACKAGE_JSON) -> Path:
    """The folder whose `node_modules` holds what the package.json names, by default tests/contract/node's.

    The first call for a given content runs `npm install`; later ones, also in other processes, find its result.
    Raises RuntimeError with npm's own words when it fails.
    """
    wanted = package_json.read_bytes()
    folder = _CACHE / hashlib.sha256(wanted).hexdigest()[:16]
    done = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not done.exists():
            (folder / "package.json").write_bytes(wanted)
            _npm_install(folder)
            done.touch()
    return folder


def _npm_install(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"npm install failed in {folder}:\n{result.stderr}")


def run_node(
    script: Path, *args: str, project: Path, stdin: bytes = b"", timeout: float = 120
) -> subprocess.CompletedProcess[bytes]:
    """Runs an ES module or CommonJS file to its end, `project` being the folder that `install` returned.

    `require` finds the project's packages wherever the script lies. `import` does not look at NODE_PATH, so a script
    that needs them begins with `createRequire(process.env.NODE_PROJECT + "/")`. The exit status is the caller's to
    check.
    """
    environment = {**os.environ, "NODE_PATH": str(project / "node_modules"), "NODE_PROJECT": str(project)}
    return subprocess.run(
        ["node", str(script), *args], input=stdin, capture_output=True, timeout=timeout, check=False, env=environment
    )
