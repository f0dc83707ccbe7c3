from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import CWPROXY, clean_environment, command, finished


@pytest.mark.parametrize("surface", ["q", "codewhisperer", "kiro"])
def test_holds_a_conversation_and_says_that_everything_worked(tmp_path: Path, surface: str) -> None:
    done = command("demo", "--surface", surface, home=tmp_path / "unused")
    assert (done.code, done.err) == (0, "")
    steps = [line for line in done.out.splitlines() if line.startswith("$ ")]
    assert [step.split()[2] for step in steps] == ["simulate", "login", "serve"]
    assert "\n  Logged in as " in done.out
    assert 'tool call  multiply({"a":6,"b":7})\ntool       42\n' in done.out
    assert "Everything worked." in done.out
    assert "cwproxy.access" not in done.out
    assert "for every command of cwproxy" not in done.out
    assert not (tmp_path / "unused").exists()


def test_stops_where_a_program_does_not_start(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "demo"
    place.mkdir()
    (place / "config.toml").write_text("nonsense = 1\n")
    done = cli("demo", "--home", str(place))
    assert done.code == 1
    assert "there is no setting `nonsense`" in done.out
    assert "error: `cwproxy login` failed." in done.err


def test_says_which_server_did_not_start(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "demo"
    place.mkdir()
    (place / "config.toml").write_text("port = 70000\n")
    done = cli("demo", "--home", str(place))
    assert done.code == 1
    assert "error: `cwproxy " in done.err


def test_without_openais_client_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "openai.py").write_text("raise ImportError\n")
    environment = clean_environment(tmp_path / "home", {"PYTHONPATH": str(tmp_path)})
    done = finished([*CWPROXY, "demo"], environment)
    assert done.code == 1
    assert "error: The demo talks to the proxy with OpenAI's own client, which is not installed: `pipx" in done.err


def test_a_server_that_dies_at_once(tmp_path: Path) -> None:
    """The programs are this Python with `-m cwproxy`; one that cannot import it ends without a word on its output."""
    (tmp_path / "uvicorn.py").write_text("raise SystemExit(3)\n")
    environment = clean_environment(tmp_path / "home", {"PYTHONPATH": str(tmp_path)})
    done = finished([*CWPROXY, "demo"], environment)
    assert done.code == 1
    assert "error: `cwproxy simulate` did not start." in done.err
