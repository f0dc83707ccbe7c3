"""`accounts list`, `show`, `disable`, `enable` and `remove`."""

import json
import time
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Cli
from tests.support.program import Server, store_login, until
from tests.support.simulator import Simulator
from tests.support.sourcefiles import write_kiro
from tests.support.waiting import SECONDS

from cwproxy.cli.accounts import one_account
from cwproxy.errors import CwproxyError, LoginRequired
from cwproxy.store import AccountState, CoolDown, CoolDowns, Store

ASKING = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}


def ask(server: Server) -> int:
    return httpx.post(f"{server.url}/v1/chat/completions", json=ASKING, trust_env=False, timeout=SECONDS).status_code


def ready(server: Server) -> int:
    return httpx.get(f"{server.url}/health/ready", trust_env=False, timeout=SECONDS).status_code


def test_nobody(cli: Cli, home: Path) -> None:
    done = cli("accounts", "list")
    assert (done.code, done.out) == (0, "")
    assert "No account is logged in" in done.err
    assert cli("accounts", "list", "--json").out == "[]\n"
    for command in ("show", "disable", "enable", "remove", "test"):
        done = cli("accounts", command, "ann")
        assert done.code == 1
        assert done.err == "error: There is no account 'ann'; see `cwproxy accounts list`.\n"


def test_a_life(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id"))
    assert cli("accounts", "list").out.split("\n")[1].split()[:3] == [account.id[:8], account.label, "builder-id"]
    assert "is disabled" in cli("accounts", "disable", account.label).out
    assert " disabled " in cli("accounts", "list").out
    assert cli("chat", "Hi", "--endpoint", aws.url).code == 1
    assert cli("accounts", "enable", account.id[:10]).code == 0
    aws.say("Back.")
    assert cli("chat", "Hi", "--endpoint", aws.url).out == "Back.\n"
    assert cli("accounts", "remove", account.id).out == f"Forgot {account.label} (builder-id).\n"
    assert cli("accounts", "list", "--json").out == "[]\n"


def test_enable_ends_the_blacklist_and_the_cool_downs(aws: Simulator, cli: Cli, home: Path) -> None:
    account = store_login(home, aws.account("builder-id"))
    with Store.open(home / "data") as store:
        cooldowns = CoolDowns(store.database)
        cooldowns.put([CoolDown(account.id, "quota", time.time() + 99, 3, "on", "used up", time.time())])
        (shown,) = json.loads(cli("accounts", "list", "--json").out)
        assert [(found["scope"], found["level"], found["detail"]) for found in shown["cool_downs"]] == [
            ("quota", 3, "used up")
        ]
        assert "resting: quota" in cli("accounts", "list").out
        store.set_state(account.id, AccountState.SUSPENDED, "by AWS")
        assert json.loads(cli("accounts", "show", account.id, "--json").out)["blacklisted"] is True
        assert "suspended by AWS" in cli("accounts", "list").out
        assert cli("accounts", "enable", account.id).code == 0
        assert [(found.scope, found.state, found.until, found.level) for found in cooldowns.since(0).changes] == [
            ("quota", "off", None, 0),
            ("recovered", "off", None, 0),
        ]
    shown = json.loads(cli("accounts", "show", account.id, "--json").out)
    assert (shown["state"], shown["cool_downs"], shown["blacklisted"]) == ("active", [], False)


def test_show_says_everything_and_no_secret(cli: Cli, home: Path, tmp_path: Path) -> None:
    path = write_kiro(tmp_path / "cache")
    assert cli("accounts", "import", str(path), "--label", "mine").code == 0
    done = cli("accounts", "show", "mine")
    for expected in ("builder-id", "kiro-ide", str(path), "us-east-1", "both renew it", "CWPROXY_ADMIN_KEY"):
        assert expected.replace(" ", "") in done.out.replace("\n", "").replace(" ", "")
    shown = json.loads(cli("accounts", "show", "mine", "--json").out)
    assert shown["source"] == {"program": "kiro-ide", "path": str(path)}
    assert shown["can_be_renewed"] is True
    assert "canary" not in done.out + json.dumps(shown)


def test_names(home: Path, aws: Simulator) -> None:
    for id in ("aa11", "aa22"):
        store_login(home, aws.account("builder-id", id=id))
    with Store.open(home / "data") as store:
        assert one_account(store, "aa1").id == "aa11"
        assert one_account(store, "aa22").id == "aa22"
        with pytest.raises(CwproxyError, match="Several accounts fit 'aa'; give the id of one: aa11, aa22"):
            one_account(store, "aa")
        with pytest.raises(LoginRequired):
            one_account(store, "")


def test_show_tells_what_a_running_server_knows(
    aws: Simulator, cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = store_login(home, aws.account("builder-id"))
    key = json.loads(cli("keys", "create", "boss", "--admin", "--json").out)["key"]
    with Server("serve", "--port", "0", "--endpoint", aws.url, home=home) as server:
        assert ask(server) == 200
        monkeypatch.setenv("CWPROXY_PORT", server.url.rpartition(":")[2])
        monkeypatch.setenv("CWPROXY_ADMIN_KEY", key)
        shown = json.loads(cli("accounts", "show", account.id, "--json").out)
        pool = shown["server"]["pool"]
        assert (pool["requests"], pool["successes"], pool["consecutive_errors"]) == (1, 1, 0)
        assert (pool["error_history"], pool["errors"], pool["backoff_level"], pool["blacklisted"]) == ([], {}, 0, False)
        assert "pool: consecutive errors" in cli("accounts", "show", account.id).out
        assert cli("accounts", "disable", account.id).code == 0
        until(lambda: ready(server) == 503)
        assert cli("accounts", "enable", account.id).code == 0
        until(lambda: ready(server) == 200)
        aws.set_state(account.id, "suspended")
        assert ask(server) != 200
        until(lambda: ready(server) == 503)
        until(lambda: json.loads(cli("accounts", "show", account.id, "--json").out)["blacklisted"] is True)
        aws.set_state(account.id, "healthy")
        assert cli("accounts", "enable", account.id).code == 0
        until(lambda: ready(server) == 200)
        assert ask(server) == 200


def test_serve_says_at_the_start_what_it_cannot_renew(aws: Simulator, home: Path, tmp_path: Path, cli: Cli) -> None:
    path = write_kiro(tmp_path / "cache")
    assert cli("accounts", "import", str(path), "--label", "mine").code == 0
    path.chmod(0o444)
    with Server("serve", "--port", "0", "--endpoint", aws.url, home=home) as server:
        assert "warning: The login of account 'mine' has to be renewed by the Kiro IDE" in server.err
