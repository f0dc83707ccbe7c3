import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.program import Server, clean_environment

DEFERRED = """
from cwproxy.cli.starting import import_less
import_less()
from fastapi.openapi.models import Info
from cwproxy.settings import Settings
print(Info.__pydantic_complete__, Info(title="a", version="1").title, Settings(port=0).port)
"""


def test_a_server_starts_without_what_it_never_uses(tmp_path: Path) -> None:
    seen = {"PYTHONPROFILEIMPORTTIME": "1"}
    with Server("serve", "--port", "0", home=tmp_path / "home", environment=seen) as server:
        assert server.end(signal.SIGTERM) == 0
    imported = set(re.findall(r"\| +(\S+)$", server.err, re.MULTILINE))
    assert {"httpx", "fastapi.routing", "uvicorn.main", "pydantic.types", "cwproxy.wiring"} <= imported
    assert not {"rich", "pydantic.v1.main", "watchfiles.main"} & imported


def test_what_is_left_for_later_is_made_when_it_is_used(tmp_path: Path) -> None:
    program = [sys.executable, "-c", DEFERRED]
    done = subprocess.run(program, env=clean_environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout == "False a 0\n"
