"""Every state that `doctor` can find, one at a time."""

import json
import re
import shlex
import sys
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import CWPROXY, Done, clean_environment, finished, store_login
from tests.support.simulator import SimulatedAccount, Simulator

from cwproxy.store import AccountState, CoolDown, CoolDowns, Store


@pytest.fixture
def account(aws: Simulator, home: Path) -> SimulatedAccount:
    made = aws.account("builder-id")
    store_login(home, made)
    return made


def findings(done: Done) -> dict[str, str]:
    """Mark by name: ok, FAIL or ?"""
    return {name: mark for mark, name in re.findall(r"^(ok|FAIL|\?)\s+([a-z ]+): ", done.out, re.MULTILINE)}


def test_all_is_well(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    aws.fault("status", scope="control-plane", status=403, headers={"date": formatdate(usegmt=True)})
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 0
    good = dict.fromkeys(("settings", "data directory", "account", "network", "clock", "token", "models"), "ok")
    assert findings(done) == good
    assert f"{home / 'config.toml'} (not there, defaults apply)" in done.out
    assert f"{home / 'data'} (700)" in done.out
    assert f"{account.id} (builder-id), active\n" in done.out
    assert "claude-sonnet-4.5" in done.out
    assert done.out.endswith("Everything is in order.\n")
    assert account.token not in done.out + done.err


def test_a_reader_that_leaves_ends_it_quietly(aws: Simulator, account: SimulatedAccount, home: Path) -> None:
    program = shlex.join([*CWPROXY, "doctor", "--endpoint", aws.url])
    for lines in (2, 5, 6):
        done = finished(["/bin/sh", "-c", f"{program} | head -n {lines}"], clean_environment(home))
        assert (len(done.out.splitlines()), done.err) == (lines, "")


def test_a_file_of_settings_is_read(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    (home / "config.toml").write_text(f'endpoint = "{aws.url}"\nsurface = "codewhisperer"\n')
    done = cli("doctor")
    assert done.code == 0
    assert "config.toml (read)" in done.out
    assert {received.surface for received in aws.received("ListAvailableModels")} == {"codewhisperer"}


def test_bad_toml(cli: Cli, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[")
    done = cli("doctor")
    assert done.code == 1
    assert findings(done) == {"settings": "FAIL"}
    assert f"→ Correct the flag, the CWPROXY_* variable or {home / 'config.toml'}." in done.out
    assert done.out.endswith("1 to mend.\n")


def test_a_wrong_flag(cli: Cli) -> None:
    done = cli("doctor", "--surface", "bedrock")
    assert done.code == 1
    assert findings(done) == {"settings": "FAIL"}


def test_nobody_is_logged_in(aws: Simulator, cli: Cli) -> None:
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    good = {"settings": "ok", "data directory": "ok", "network": "ok", "clock": "ok"}
    assert findings(done) == {**good, "account": "FAIL"}
    assert "(made at the first login)" in done.out
    assert "→ Run `cwproxy login`." in done.out


def test_a_bundle_that_is_not_there_before_the_first_login(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_CA_BUNDLE", "/nonexistent/bundle.pem")
    done = cli("doctor")
    assert done.code == 1
    assert "FAIL network: ca_bundle: /nonexistent/bundle.pem cannot be used (No such file or directory).\n" in done.out
    assert "→ Correct the setting." in done.out


def test_an_open_address_without_a_key_and_with_one(aws: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWPROXY_ENDPOINT", aws.url)
    monkeypatch.setenv("CWPROXY_HOST", "0.0.0.0")
    done = cli("doctor")
    assert done.code == 1
    assert "FAIL API keys: listening on 0.0.0.0 lets other machines in" in done.out
    cli("keys", "create", "laptop")
    assert "ok   API keys: 1 in force" in cli("doctor").out


def test_a_directory_that_is_open_to_others(account: SimulatedAccount, cli: Cli, home: Path) -> None:
    (home / "data").chmod(0o755)
    done = cli("doctor")
    assert done.code == 1
    assert findings(done) == {"settings": "ok", "data directory": "FAIL"}
    assert f"→ chmod 700 {home / 'data'}" in done.out


def test_a_damaged_store(account: SimulatedAccount, cli: Cli, home: Path) -> None:
    for file in (home / "data").iterdir():
        if file.name.startswith("cwproxy.sqlite3"):
            file.write_bytes(b"not a database" * 100)
    done = cli("doctor")
    assert done.code == 1
    assert findings(done)["store"] == "FAIL"


def test_nobody_answers(account: SimulatedAccount, cli: Cli) -> None:
    done = cli("doctor", "--endpoint", "http://127.0.0.1:9")
    assert done.code == 1
    found = findings(done)
    assert (found["network"], found["token"]) == ("FAIL", "ok")
    assert "models" not in found
    assert "FAIL network: Cannot connect to 127.0.0.1.\n" in done.out
    assert "CWPROXY_UPSTREAM_PROXY" in done.out
    assert done.out.endswith("1 to mend.\n")


@pytest.mark.parametrize(
    ("date", "mark", "words"),
    [
        ("Thu, 01 Jan 2015 00:00:00 GMT", "FAIL", "s ahead of 127.0.0.1"),
        ("Thu, 01 Jan 2099 00:00:00 GMT", "FAIL", "s behind 127.0.0.1"),
        ("yesterday", "?", "127.0.0.1 does not say what time it is"),
    ],
)
def test_the_clock(  # the parameters are three facts about one date
    aws: Simulator, account: SimulatedAccount, cli: Cli, date: str, mark: str, words: str
) -> None:
    aws.fault("status", scope="control-plane", status=403, headers={"date": date})
    done = cli("doctor", "--endpoint", aws.url)
    assert findings(done)["clock"] == mark
    assert words in done.out
    assert done.code == (1 if mark == "FAIL" else 0)


def test_an_expired_token_that_can_be_renewed(aws: Simulator, cli: Cli, home: Path) -> None:
    assert cli("login", "--no-browser", "--endpoint", aws.url).code == 0
    with Store.open(home / "data") as store:
        (account,) = store.accounts()
        token = store.token(account.id)
        registration = store.registration(account.id)
        assert token is not None
        store.remove(account.id)
        expired = type(token)(token.access_token, token.refresh_token, 1.0, token.generation)
        store.add(account, expired, registration)
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 0
    assert "token: expired; it will be renewed" in done.out
    assert findings(done)["models"] == "ok"


def test_an_expired_token_that_cannot(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id"), expires_in=-60)
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL token: expired\n" in done.out
    assert done.out.endswith("1 to mend.\n")


def test_an_account_without_a_token(aws: Simulator, cli: Cli, home: Path) -> None:
    stored = store_login(home, aws.account("builder-id"))
    with Store.open(home / "data") as store:
        store.remove(stored.id)
        store.add(stored)
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL token: there is none" in done.out


def test_an_account_that_needs_a_login(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    with Store.open(home / "data") as store:
        store.set_state(account.id, AccountState.NEEDS_LOGIN, "the refresh token was refused")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert findings(done)["account"] == "FAIL"
    assert "needs_login the refresh token was refused" in done.out.replace("needs-login", "needs_login")


def test_models_are_refused(aws: Simulator, account: SimulatedAccount, cli: Cli) -> None:
    aws.set_state(account, "suspended")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert findings(done)["models"] == "FAIL"
    assert "suspended" in done.out
    assert f"→ Only AWS can lift this; afterwards run `cwproxy accounts enable {account.id[:8]}`." in done.out
    assert done.out.endswith("1 to mend.\n")


def test_a_suspended_account_is_found_once(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    with Store.open(home / "data") as store:
        store.set_state(account.id, AccountState.SUSPENDED, "by AWS")
    done = cli("doctor", "--endpoint", aws.url)
    assert f"FAIL account: {account.id} (builder-id), suspended: by AWS\n" in done.out
    assert f"run `cwproxy accounts enable {account.id[:8]}`" in done.out
    assert done.out.endswith("1 to mend.\n")


def test_an_account_that_rests(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    now = time.time()
    with Store.open(home / "data") as store:
        CoolDowns(store.database).put([CoolDown(account.id, "throttled", now + 119.0, 1, "on", "slow down", now)])
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 0
    assert re.search(
        rf"\?    account: {account.id} \(builder-id\), resting for \d+ s, throttled: slow down; `cwp", done.out
    )


def test_accounts_that_are_all_disabled(aws: Simulator, account: SimulatedAccount, cli: Cli) -> None:
    cli("accounts", "disable", account.id)
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL account: none is enabled\n" in done.out


def test_pictures_that_cannot_be_scaled(aws: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setenv("CWPROXY_DOWNSCALE_IMAGES", "1")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL settings: downscale_images" in done.out


def test_a_surface_of_another_version(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id"), surface="q-quantum")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert findings(done)["surface"] == "FAIL"


@pytest.mark.usefixtures("aws_keys")
def test_aws_credentials_are_looked_for(aws: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("login", "iam").code == 0
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 0
    assert "ok   credentials: found, and used for every call\n" in done.out
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert "FAIL credentials: There are no AWS credentials. Set AWS_PROFILE or" in done.out


def test_each_of_several_accounts_is_looked_at(aws: Simulator, account: SimulatedAccount, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id", id="second"))
    store_login(home, aws.account("builder-id", id="third"))
    with Store.open(home / "data") as store:
        store.set_state(account.id, AccountState.SUSPENDED, "by AWS")
        store.set_disabled("third", True)
    done = cli("doctor", "--endpoint", aws.url)
    assert done.code == 1
    assert f"FAIL account: {account.id} (builder-id), suspended: by AWS\n" in done.out
    assert "ok   account: second (builder-id), active\n" in done.out
    assert "?    account: third (builder-id), disabled\n" in done.out
    assert "ok   token of second: good for" in done.out
    assert "ok   models of second: " in done.out
    assert "1 to mend." in done.out


def test_an_account_that_is_only_declared_is_looked_at(aws: Simulator, cli: Cli, home: Path) -> None:
    account = aws.account("social")
    tokens = {
        "accessToken": account.token,
        "refreshToken": account.refresh_token,
        "expiresAt": "2999-01-01T00:00:00.000Z",
        "authMethod": "social",
        "provider": "Google",
        "profileArn": account.profile_arn,
        "region": "us-east-1",
    }
    home.mkdir(mode=0o700)
    (home / "tokens.json").write_text(json.dumps(tokens))
    provider = '[[providers]]\ntype = "kiro"\nname = "ann"\nauthentication.tokenFilePath = "tokens.json"\n'
    (home / "config.toml").write_text(provider)
    done = cli("doctor", "--endpoint", aws.url)
    assert "ok   account: ann (social), active\n" in done.out
    assert done.code == 0
    (home / "tokens.json").unlink()
    with Store.open(home / "data") as store:
        (ann,) = store.accounts()
        store.set_state(ann.id, AccountState.NEEDS_LOGIN, "it was refused")
    assert "Log in again in the Kiro IDE; cwproxy then takes the login from" in cli("doctor", "--endpoint", aws.url).out
