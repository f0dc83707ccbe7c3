"""`accounts import` and `accounts add`, against a simulator."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.kiro import FakeKiro
from tests.support.simulator import Simulator
from tests.support.sourcefiles import CLI_REGISTRATION, cli_token, row_of, write_database, write_kiro

from cwproxy.store import Secret, Store

START_URL = "https://acme.awsapps.com/start"
ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/AAAAAAAAAAAA"
OTHER = ARN.replace("A" * 12, "B" * 12)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home directory of somebody who uses all these programs."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return tmp_path / "person"


def test_the_kiro_ide(aws: Simulator, cli: Cli, person: Path) -> None:
    kiro = FakeKiro(aws.url, person / ".aws" / "sso" / "cache")
    kiro.log_in()
    done = cli("accounts", "import", "--kiro", "--endpoint", aws.url)
    assert (done.code, done.out[:30]) == (0, "Imported kiro-ide (builder-id)")
    assert "both renew it" in done.err
    aws.say("Shared.")
    assert cli("chat", "Hi", "--endpoint", aws.url).out == "Shared.\n"
    again = cli("accounts", "import", "--kiro", "--endpoint", aws.url)
    assert "has this login already" in again.out


def test_an_identity_center_whose_profile_is_found(aws: Simulator, cli: Cli, tmp_path: Path) -> None:
    aws.account("identity-center", start_url=START_URL, profile_arns=[ARN, OTHER])
    kiro = FakeKiro(aws.url, tmp_path / "cache", start_url=START_URL)
    kiro.log_in()
    done = cli("accounts", "import", str(kiro.path), "--label", "work", "--endpoint", aws.url)
    assert done.out.startswith(f"Imported work (identity-center, profile {ARN}) as account ")
    assert f"the others: {OTHER}" in done.err
    aws.say("From work.")
    assert cli("chat", "Hi", "--endpoint", aws.url).out == "From work.\n"
    tested = cli("accounts", "test", "work", "--endpoint", aws.url)
    assert tested.code == 0
    assert tested.out.startswith("work: kiro in us-east-1\nmodels: ")
    assert "allowance: " in tested.out


def test_a_profile_that_cannot_be_found_now(aws: Simulator, cli: Cli, tmp_path: Path) -> None:
    aws.account("identity-center", start_url=START_URL, profile_arns=[])
    kiro = FakeKiro(aws.url, tmp_path / "cache", start_url=START_URL)
    kiro.log_in()
    done = cli("accounts", "import", str(kiro.path), "--endpoint", aws.url)
    assert done.code == 0
    assert "warning: the account's profile could not be found" in done.err


def test_the_databases_of_both_clis(cli: Cli, home: Path, person: Path) -> None:
    data = person / ".local" / "share"
    rows = {"codewhisperer:odic:token": cli_token(), "codewhisperer:odic:device-registration": dict(CLI_REGISTRATION)}
    write_database(data / "amazon-q" / "data.sqlite3", rows)
    social = {"access_token": "canary-s", "refresh_token": "canary-t", "expires_at": "x", "profile_arn": ARN}
    write_database(data / "kiro-cli" / "data.sqlite3", {"kirocli:social:token": social})
    assert "Imported q-cli (builder-id)" in cli("accounts", "import", "--q-cli").out
    assert f"Imported kiro-cli (social, profile {ARN})" in cli("accounts", "import", "--kiro-cli").out
    shown = json.loads(cli("accounts", "list", "--json").out)
    assert [account["source"]["program"] for account in shown] == ["q-cli", "kiro-cli"]


def test_a_copy_leaves_the_file_alone(aws: Simulator, cli: Cli, home: Path, tmp_path: Path) -> None:
    kiro = FakeKiro(aws.url, tmp_path / "cache")
    kiro.log_in()
    before = kiro.path.read_bytes()
    done = cli("accounts", "import", str(kiro.path), "--copy")
    assert "This is a copy" in done.err
    (account,) = aws.accounts()
    aws.set_state(account["id"], "expired")
    assert cli("chat", "Hi", "--endpoint", aws.url).code == 0
    assert kiro.path.read_bytes() == before
    with Store.open(home / "data") as store:
        (stored,) = store.accounts()
        token = store.token(stored.id)
    assert stored.source is None
    assert token is not None
    assert token.refresh_token != Secret(kiro.read()["refreshToken"])


def test_a_read_only_file_is_noticed(cli: Cli, tmp_path: Path) -> None:
    path = write_kiro(tmp_path)
    path.chmod(0o444)
    assert "so cwproxy only reads it" in cli("accounts", "import", str(path)).err


def test_what_cannot_be_imported(cli: Cli, tmp_path: Path, person: Path) -> None:
    assert cli("accounts", "import").code == 2
    assert cli("accounts", "import", "--kiro", "--q-cli").code == 2
    assert "there are social" in cli("accounts", "import", "--kiro", "--kind", "iam").err
    missing = cli("accounts", "import", "--kiro")
    assert (missing.code, "kiro-auth-token.json cannot be read: No such file" in missing.err) == (1, True)
    vague = write_kiro(tmp_path, authMethod=None, provider=None, clientIdHash=None)
    assert "--kind" in cli("accounts", "import", str(vague)).err
    assert cli("accounts", "import", str(vague), "--kind", "social", "--profile-arn", ARN).code == 0


def test_add_is_login(aws: Simulator, cli: Cli) -> None:
    done = cli("accounts", "add", "builder-id", "--no-browser", "--label", "mine", "--endpoint", aws.url)
    assert done.out == "Logged in as mine (builder-id).\n"


def test_a_login_does_not_touch_a_shared_account(aws: Simulator, cli: Cli, home: Path, tmp_path: Path) -> None:
    kiro = FakeKiro(aws.url, tmp_path / "cache")
    kiro.log_in()
    assert cli("accounts", "import", str(kiro.path)).code == 0
    assert cli("login", "--no-browser", "--endpoint", aws.url).code == 0
    assert len(json.loads(cli("accounts", "list", "--json").out)) == 2


def test_a_renewal_reaches_the_database(aws: Simulator, cli: Cli, tmp_path: Path) -> None:
    kiro = FakeKiro(aws.url, tmp_path / "cache")
    kiro.log_in()
    members = kiro.read()
    client = json.loads((tmp_path / "cache" / f"{members['clientIdHash']}.json").read_text())
    rows = {
        "kirocli:odic:token": cli_token(
            access_token=members["accessToken"],
            refresh_token=members["refreshToken"],
            expires_at="2025-01-01T00:00:00Z",
        ),
        "kirocli:odic:device-registration": {
            **CLI_REGISTRATION,
            "client_id": client["clientId"],
            "client_secret": client["clientSecret"],
        },
    }
    path = write_database(tmp_path / "kiro-cli" / "data.sqlite3", rows)
    assert cli("accounts", "import", str(path), "--endpoint", aws.url).code == 0
    aws.say("Renewed.")
    assert cli("chat", "Hi", "--endpoint", aws.url).out == "Renewed.\n"
    written = row_of(path, "kirocli:odic:token")
    assert written["refresh_token"] != members["refreshToken"]
    assert str(written["expires_at"]) > "2026"
    assert written["scopes"] == ["codewhisperer:completions"]
