import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import command

from cwproxy import __version__
from cwproxy.cli import main
from cwproxy.cli.app import app

COMMANDS = ("serve", "login", "logout", "whoami", "models", "chat", "test", "simulate", "doctor", "demo")


def test_the_installed_program_says_its_version(tmp_path: Path) -> None:
    done = command("--version", home=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"cwproxy {__version__}\n", "")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands(cli: Cli, flag: str) -> None:
    done = cli(flag)
    assert done.code == 0
    assert all(f"\n  {name} " in done.out for name in COMMANDS if name != "test")
    assert "\n  test " not in done.out


def test_without_a_command_there_is_help_and_the_code_of_wrong_usage(cli: Cli) -> None:
    done = cli()
    assert done.code == 2
    assert "Usage: cwproxy" in done.out + done.err


def test_a_package_that_is_missing_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "cwproxy.cli.login", raising=False)
    done = cli("whoami")
    assert done.code == 1
    assert done.err.startswith("error: The installation is incomplete: the package 'rich' is missing or too old. ")


def test_a_module_of_our_own_that_is_missing_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cwproxy.cli.login", None)
    with pytest.raises(ImportError):
        main(["whoami"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli: Cli, name: str) -> None:
    done = cli(name, "--help")
    assert done.code == 0
    assert f"cwproxy {name}" in done.out
    assert "Options:" in done.out


def test_every_command_and_option_is_explained() -> None:
    for entry in app.registered_commands:
        assert entry.callback is not None
        assert entry.callback.__doc__


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("serve", "--nonsense"),
        ("serve", "--port", "many"),
        ("simulate", "--pace", "-1"),
        ("whoami", "surplus"),
    ],
)
def test_wrong_usage_is_code_2_and_says_what_is_wrong(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert "Error" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serve", "--port", "65536"), "error: --port must be less than or equal to 65535."),
        (("serve", "--host", "0.0.0.0"), "set CWPROXY_API_KEYS"),
        (("serve", "--log-level", "loud"), "error: --log-level must be 'debug', "),
        (("serve", "--surface", "bedrock"), "error: --surface must be 'q', "),
        (("login", "--endpoint", "nowhere"), "error: --endpoint must be an http or https URL."),
        (("models", "--surface", "bedrock"), "error: --surface must be 'q', "),
        (("chat", "--endpoint", "nowhere"), "error: --endpoint must be an http or https URL."),
        (("simulate", "--profile", "q"), "choose auto, legacy-q or kiro-runtime"),
        (("demo", "--surface", "q-iam"), "q, codewhisperer, kiro"),
    ],
)
def test_wrong_settings_are_code_2_and_one_sentence(cli: Cli, arguments: tuple[str, ...], sentence: str) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""


@pytest.mark.parametrize("name", ["serve", "login", "logout", "whoami", "models", "chat"])
def test_a_broken_file_is_code_2_and_named(cli: Cli, home: Path, name: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text("port = \n")
    done = cli(name)
    assert done.code == 2
    assert f"error: {home / 'config.toml'} is not a valid TOML file" in done.err


@pytest.mark.parametrize("name", ["logout", "whoami", "models", "chat", "test"])
def test_without_a_login_is_code_1_and_says_so(cli: Cli, name: str) -> None:
    done = cli(name)
    assert done.code == 1
    assert "logged in" in done.err
    assert done.out == ""


def test_settings_of_a_server_do_not_stop_other_commands(tmp_path: Path) -> None:
    """A container image listens on all addresses, and the login in it comes before any API key."""
    done = command("logout", home=tmp_path / "home", environment={"CWPROXY_HOST": "0.0.0.0"})
    assert done.err == "error: Nobody is logged in.\n"
