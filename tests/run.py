"""`python -m tests.run`: all tests on all cores with coverage, then the coverage that must hold.

Arguments are handed to pytest; with any, the thresholds are not checked, because a part of the tests covers a part.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import postgresql

ROOT = Path(__file__).parent.parent
PURE = (
    "errors.py",
    "conversation.py",
    "reply.py",
    "eventstream/*",
    "codewhisperer/*",
    "dialects/*",
    "filters/*",
    "accounts/pool/*",
)
WHOLE_PERCENT, PURE_PERCENT = 95, 100


def run(*command: str) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    if not os.environ.get("CI") and shutil.which("node") is None:
        print("Node is not installed: the tests that run AWS's and OpenAI's JavaScript clients will be skipped.")
    if not os.environ.get("CI") and postgresql.program("initdb") is None:
        print("PostgreSQL is not installed (apt-get install postgresql): its tests will be skipped.")
    workers = str(max(2, os.cpu_count() or 2))
    run("compileall", "-q", "src")  # once, and not in each of the programs that are started, where nothing is written
    run("coverage", "erase")
    failed = run("pytest", "-n", workers, "--dist", "loadgroup", "--cov", "--cov-report=", "-q", *arguments)
    if failed or arguments:
        return failed
    pure = ",".join(f"src/cwproxy/{part}" for part in PURE)
    print(f"\nThe pure rooms (must be {PURE_PERCENT} %):")
    failed = run("coverage", "report", "--skip-covered", f"--include={pure}", f"--fail-under={PURE_PERCENT}")
    print(f"\nEverything (must be {WHOLE_PERCENT} %):")
    return run("coverage", "report", "--skip-covered", f"--fail-under={WHOLE_PERCENT}") or failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
