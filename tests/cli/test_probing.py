"""`accounts test`: what it says of accounts that do not work."""

import time
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.support.program import store_login
from tests.support.records import an_account
from tests.support.simulator import Simulator

from cwproxy.accounts.pool.changes import LONG, OFF, ON
from cwproxy.cli.probing import advice
from cwproxy.errors import (
    AccountUnusable,
    BackendUnavailable,
    CredentialRejected,
    CwproxyError,
    InvalidRequest,
    LoginRequired,
    QuotaExhausted,
    StoreError,
    Throttled,
)
from cwproxy.store import AccountState, CoolDown, CoolDowns, Store


def test_one_that_works(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id", models=["claude-haiku-4.5"]))
    done = cli("accounts", "test", account.label, "--endpoint", aws.url)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{account.label}: q in us-east-1\nmodels: claude-haiku-4.5\nallowance: ")
    assert aws.received("GenerateAssistantResponse") == []
    cli("accounts", "disable", account.label)
    said = cli("accounts", "test", account.label, "--endpoint", aws.url).out
    assert said.endswith(
        f"It works, but cwproxy holds it back: disabled.\n`cwproxy accounts enable {account.id[:8]}` ends that.\n"
    )


def test_one_that_is_held_back_here(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id"))
    now = time.time()
    with Store.open(home / "data") as store:
        store.set_state(account.id, AccountState.SUSPENDED, "by AWS")
        CoolDowns(store.database).put(
            [
                CoolDown(account.id, "throttled", now + 1_820, 1, ON, "slow down", now),
                CoolDown(account.id, "refused", now + 620, 1, ON, "", now),
                CoolDown(account.id, "quota", now + 36_000, 1, LONG, "", now),
                CoolDown(account.id, "model:x", None, 1, ON, "no", now),
                CoolDown(account.id, "model:y", now - 1, 1, ON, "over", now),
                CoolDown(account.id, "model:z", None, 1, OFF, "gone", now),
            ]
        )
    done = cli("accounts", "test", account.label, "--endpoint", aws.url)
    assert done.code == 0
    held = done.out.partition("It works, but cwproxy holds it back: ")[2].splitlines()[0]
    assert sorted(held.removesuffix(".").split("; ")) == [
        "resting for 10 h, quota",
        "resting for 10 min, refused",
        "resting for 30 min, throttled: slow down",
        "resting until you enable it, model:x: no",
        "suspended: by AWS",
    ]
    cli("accounts", "enable", account.label)
    assert "holds it back" not in cli("accounts", "test", account.label, "--endpoint", aws.url).out


def test_a_token_that_is_refused(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id"), refresh_token="canary-refresh")
    aws.set_state(account.id, "expired")
    done = cli("accounts", "test", account.label, "--endpoint", aws.url)
    assert done.code == 1
    assert "Run `cwproxy login builder-id --label" in done.err
    assert "canary" not in done.out + done.err


def test_a_suspended_one(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id", state="suspended"))
    done = cli("accounts", "test", account.label, "--endpoint", aws.url)
    assert done.code == 1
    assert f"`cwproxy accounts enable {account.id[:8]}`" in done.err


def test_nobody_there(cli: Cli, aws: Simulator, home: Path) -> None:
    account = store_login(home, aws.account("builder-id"))
    done = cli("accounts", "test", account.label, "--endpoint", "http://127.0.0.1:9")
    assert done.code == 1
    assert "cwproxy doctor" in done.err


def test_aws_credentials(aws: Simulator, cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = store_login(home, aws.account("iam"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    done = cli("accounts", "test", account.label, "--endpoint", aws.url)
    assert (done.code, done.err) == (0, "")
    assert "credentials: found" in done.out


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (LoginRequired("x"), ""),
        (StoreError("x"), ""),
        (CredentialRejected("x"), "Run `cwproxy login builder-id --label"),
        (AccountUnusable("x"), "When that is mended, run `cwproxy accounts enable"),
        (AccountUnusable("x", reason="TEMPORARILY_SUSPENDED"), "Only AWS can lift this"),
        (QuotaExhausted("x"), "begins anew"),
        (Throttled("x"), "in a minute"),
        (InvalidRequest("x"), "--surface"),
        (BackendUnavailable("x"), "cwproxy doctor"),
    ],
)
def test_what_to_do(error: CwproxyError, word: str) -> None:
    assert word in advice(error, an_account())
