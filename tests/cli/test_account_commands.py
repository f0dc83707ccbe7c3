import pytest
from tests.cli.conftest import Cli

COMMANDS = ("add", "import", "list", "show", "disable", "enable", "remove", "test")


def test_every_command_is_there(cli: Cli) -> None:
    shown = cli("accounts", "--help").out
    assert all(f"\n  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(cli: Cli, name: str) -> None:
    done = cli("accounts", name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: cwproxy accounts {name}" in done.out


def test_share_is_the_default(cli: Cli) -> None:
    assert "[default: share]" in cli("accounts", "import", "--help").out
