import pytest
from tests.cli.conftest import Cli


@pytest.mark.parametrize("command", ["create", "list", "revoke"])
def test_every_command_explains_itself(command: str, cli: Cli) -> None:
    done = cli("keys", command, "--help")
    assert done.code == 0
    assert "Usage: cwproxy keys" in done.out


def test_alone_it_lists_what_there_is(cli: Cli) -> None:
    done = cli("keys")
    assert "revoke" in done.out + done.err
