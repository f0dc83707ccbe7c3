"""Accounts that stand in `config.toml`, as a user of the commands sees them."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.kiro import FakeKiro
from tests.support.program import Server, command
from tests.support.simulator import Simulator

HAIKU, SONNET = "claude-haiku-4.5", "claude-sonnet-4.5"


@pytest.fixture
def logins(aws: Simulator, tmp_path: Path) -> list[FakeKiro]:
    """Of two people."""
    found = []
    for name in ("ann", "bob"):
        aws.next_login(aws.account("builder-id", id=name))
        kiro = FakeKiro(aws.url, tmp_path / name)
        kiro.log_in()
        found.append(kiro)
    return found


def write(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)


def two(logins: list[FakeKiro]) -> str:
    ann, bob = (kiro.path for kiro in logins)
    return f"""
[[providers]]
type = "codewhisperer"
region = "us-east-1"
accounts = [
    {{ name = "ann", authentication.tokenFilePath = "{ann}", models = ["{HAIKU}"] }},
    {{ name = "bob", authentication.tokenFilePath = "{bob}", models = ["{SONNET}"], limits.inFlight = 2 }},
]
aliases = {{ quick = "{HAIKU}" }}
"""


def test_they_are_listed_used_and_vanish(aws: Simulator, cli: Cli, home: Path, logins: list[FakeKiro]) -> None:
    write(home, two(logins))
    shown = json.loads(cli("accounts", "list", "--json").out)
    assert [(account["label"], account["declared"]) for account in shown] == [("ann", True), ("bob", True)]
    assert "declared, kiro-ide" in cli("accounts", "list").out
    models = json.loads(cli("models", "--json", "--endpoint", aws.url).out)
    assert sorted(model["id"] for model in models) == [HAIKU, SONNET]
    for model, account in ((HAIKU, "ann"), (SONNET, "bob"), ("quick", "ann")):
        assert cli("chat", "Hi", "-m", model, "--endpoint", aws.url).code == 0
        assert aws.received("GenerateAssistantResponse")[-1].account == account
    done = cli("chat", "Hi", "-m", "claude-opus-4.5", "--endpoint", aws.url)
    assert done.code == 1
    assert "There is no model 'claude-opus-4.5'" in done.err
    for words in (("accounts", "remove", "ann"), ("logout", shown[0]["id"])):
        refused = cli(*words)
        assert (refused.code, "declared in the configuration file" in refused.err) == (1, True)
    write(home, "")
    assert len(json.loads(cli("accounts", "list", "--json").out)) == 2, "whoever looks removes nothing"
    with Server("serve", "--port", "0", home=home):
        assert cli("accounts", "list", "--json").out == "[]\n"
    assert all(kiro.path.exists() for kiro in logins)


@pytest.mark.parametrize("words", [("accounts", "remove"), ("logout",)])
def test_one_that_is_not_in_the_file_any_more_can_be_removed_at_once(
    cli: Cli, home: Path, logins: list[FakeKiro], words: tuple[str, ...]
) -> None:
    write(home, two(logins))
    assert cli("accounts", "list").code == 0
    write(home, "")
    done = cli(*words, "ann")
    assert (done.code, done.out.startswith("Forgot ann (builder-id).")) == (0, True), done.err
    assert [account["label"] for account in json.loads(cli("accounts", "list", "--json").out)] == ["bob"]
    assert logins[0].path.exists()


def test_one_whose_login_cannot_be_read_is_no_obstacle_to_others(
    aws: Simulator, cli: Cli, home: Path, logins: list[FakeKiro]
) -> None:
    text = two(logins)
    logins[1].path.unlink()
    write(home, text)
    for words in (("accounts", "list"), ("whoami",), ("chat", "Hi", "-m", HAIKU, "--endpoint", aws.url)):
        done = cli(*words)
        assert done.code == 0, done.err
    done = command("accounts", "list", home=home)
    assert done.err.startswith("providers.0.accounts.1.authentication.tokenFilePath: ")
    assert done.err.endswith("This account is left out.\n")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL providers: providers.0.accounts.1." in done.out
    assert "ok   account: ann (builder-id), active" in done.out
    assert done.err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[providers]]\ntype = "kiro"', "`providers.0`: authentication.tokenFilePath or accounts is missing"),
        (
            '[[providers]]\ntype = "x"\nauthentication.tokenFilePath = "y"',
            "`providers.0.type` must be 'codewhisperer', ",
        ),
        (
            '[[providers]]\ntype = "kiro"\nauthentication.tokenFilePath = "y"\nwight = 2',
            "there is no setting `providers.0.wight`",
        ),
        ('providers = "kiro"', "`providers` must be a list"),
    ],
)
def test_bad_ones_fail_at_once_and_name_the_key(cli: Cli, home: Path, text: str, said: str) -> None:
    write(home, text)
    for words in (("accounts", "list"), ("serve", "--port", "0")):
        done = cli(*words)
        assert done.code == 2
        assert done.err.startswith(f"error: {home / 'config.toml'}: {said}"), done.err
        assert len(done.err.splitlines()) == 1
