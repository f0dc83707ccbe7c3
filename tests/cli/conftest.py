"""Commands run in this process, by the function that the installed program calls, against a simulator in a thread."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.support.program import Done
from tests.support.simulator import Simulator

from cwproxy.cli import main

Cli: TypeAlias = Callable[..., Done]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "home"
    monkeypatch.setenv("CWPROXY_HOME", str(directory))
    monkeypatch.setenv("COLUMNS", "200")
    return directory


def _forget_channels() -> None:
    """What an earlier command in this process has configured: its standard error is closed."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
    root.setLevel(logging.WARNING)


@pytest.fixture
def cli(home: Path, capfd: pytest.CaptureFixture[str]) -> Cli:
    def run(*arguments: str) -> Done:
        _forget_channels()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capfd.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return run


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS credentials, and nothing else that AWS's library would look for."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator(auto_approve=0) as simulator:
        yield simulator
