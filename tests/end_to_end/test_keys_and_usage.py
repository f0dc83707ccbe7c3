"""Keys and usage as an operator meets them: commands beside two servers that share one store."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from tests.support.program import Done, Server, command, store_login, until
from tests.support.simulator import SimulatorClient
from tests.support.waiting import SECONDS

from cwproxy.store import Store
from cwproxy.store.schema import SECRET_TABLES, TABLES

pytestmark = pytest.mark.end_to_end


@dataclass(frozen=True)
class Pair:
    """Two servers on one store, each of which lets nobody in without a key."""

    aws: SimulatorClient
    servers: tuple[Server, Server]
    home: Path
    admin: str

    def command(self, *arguments: str) -> Done:
        return command(*arguments, home=self.home)

    def key(self, name: str, *options: str) -> str:
        """A new key that both servers know."""
        done = self.command("keys", "create", name, *options)
        assert done.code == 0, done.err
        key = done.out.strip()
        for number in (0, 1):
            until(lambda number=number: self.get("/v1/models", key, number).status_code == 200)  # type: ignore[misc]
        return key

    def get(self, path: str, key: str, number: int = 0) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.get(f"{self.servers[number].url}{path}", headers=headers, trust_env=False, timeout=SECONDS)

    def ask(self, key: str, number: int = 0, **members: Any) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], **members}
        headers = {"x-api-key": key}
        url = f"{self.servers[number].url}/v1/chat/completions"
        return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=SECONDS)

    def usage(self, *options: str) -> list[dict[str, Any]]:
        done = self.command("usage", "--since", "1d", "--json", *options)
        assert done.code == 0, done.err
        groups: list[dict[str, Any]] = json.loads(done.out)["groups"]
        return groups


def accounts(server: Server, admin: str) -> httpx.Response:
    """As an operator sees them, once their quotas have been read, for which the server waits some seconds only."""
    answers: list[httpx.Response] = []

    def are_read() -> bool:
        headers = {"x-api-key": admin}
        answers.append(httpx.get(f"{server.url}/admin/accounts", headers=headers, trust_env=False, timeout=SECONDS))
        return all(account["quota"] for account in answers[-1].json()["accounts"])

    until(are_read)
    return answers[-1]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("keys")
    home = directory / "home"
    with ExitStack() as stack:
        simulator = stack.enter_context(Server("simulate", "--auto-approve", "--pace", "0", home=home))
        aws = SimulatorClient(simulator.url)
        store_login(home, aws.account("builder-id"))
        admin = command("keys", "create", "operator", "--admin", home=home).out.strip()
        command("keys", "create", "first", home=home)
        serve = ("serve", "--endpoint", simulator.url, "--port", "0")
        servers = [stack.enter_context(Server(*serve, home=home, cwd=directory)) for _ in range(2)]
        yield Pair(aws, (servers[0], servers[1]), home, admin)


def test_a_revoked_key_is_refused_everywhere_soon(pair: Pair) -> None:
    key = pair.key("short-lived")
    assert [pair.ask(key, number).status_code for number in (0, 1)] == [200, 200]
    assert pair.command("keys", "revoke", "short-lived").code == 0
    until(lambda: [pair.get("/v1/models", key, n).status_code for n in (0, 1)] == [401, 401])


def test_what_two_servers_have_served_is_one_account_of_usage(pair: Pair) -> None:
    key = pair.key("counted")
    for number in (0, 1, 1):
        assert pair.ask(key, number).status_code == 200
    until(lambda: pair.get("/v1/usage", key).json()["total"]["requests"] == 3)
    own = pair.get("/v1/usage?since=1d", key, 1).json()
    assert own["total"]["credits"] > 0
    assert own["total"]["served"] == 3
    assert own["total"]["output_tokens"] > 0
    assert [each["model"] for each in own["models"]] == ["auto"]
    (mine,) = [each for each in pair.usage("--by", "key") if each["key"] == own["key"]]
    assert (mine["requests"], mine["success_rate"]) == (3, 1.0)
    stats = pair.get("/admin/stats?since=1d&by=key,account", pair.admin).json()
    assert own["key"] in [each["key"] for each in stats["ledger"]["groups"]]
    assert stats["process"]["dropped"] == 0


def test_credits_are_spent_in_all_processes_together(pair: Pair) -> None:
    key = pair.key("thrifty", "--monthly-credits", "0.001")
    assert pair.ask(key, 0).status_code == 200
    refused = pair.ask(key, 0)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
    assert refused.headers["x-should-retry"] == "false"
    until(lambda: pair.ask(key, 1).status_code == 429)


def test_an_sdk_waits_as_it_is_told_and_then_is_served(pair: Pair) -> None:
    key = pair.key("busy", "--in-flight", "1")
    pair.aws.say("word " * 50, pieces=50, pace=0.1)
    http = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(base_url=f"{pair.servers[0].url}/v1", api_key=key, http_client=http, max_retries=5) as client:
        slow = client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        next(iter(slow))
        impatient = client.with_options(max_retries=0)
        with pytest.raises(openai.RateLimitError) as caught:
            impatient.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hello"}])
        assert caught.value.code == "rate_limit_exceeded"
        assert caught.value.response.headers["retry-after"] == "1"
        for _ in slow:
            pass
        assert client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hello"}]).choices


def test_other_models_than_the_allowed_are_not_found(pair: Pair) -> None:
    key = pair.key("narrow", "--model", "claude-haiku-4.5")
    assert [each["id"] for each in pair.get("/v1/models", key).json()["data"]] == ["claude-haiku-4.5"]
    assert pair.ask(key, model="claude-haiku-4-5").status_code == 200, "another spelling of it"
    refused = pair.ask(key, model="claude-sonnet-4.5")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
    assert "only: claude-haiku-4.5" in refused.json()["error"]["message"]


def test_a_client_that_leaves_is_in_the_ledger(pair: Pair) -> None:
    key = pair.key("leaving")
    pair.aws.say("word " * 300, pieces=300, pace=0.1)
    url = httpx.URL(pair.servers[0].url)
    body = b'{"model": "auto", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 0), timeout=SECONDS) as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while b"data: " not in answer:
            data = connection.recv(65_536)
            assert data, answer
            answer += data
    until(lambda: pair.get("/v1/usage", key).json()["total"]["left"] == 1)


def test_an_operator_sees_the_accounts_and_switches_one_off_for_all(pair: Pair) -> None:
    (account,) = accounts(pair.servers[0], pair.admin).json()["accounts"]
    assert account["quota"]["plan"] == "Simulated Pro"
    assert 0.9 < account["quota"]["fraction_left"] <= 1
    assert account["pool"]["available"]
    key = pair.key("user")
    headers = {"authorization": f"Bearer {pair.admin}"}
    path = f"{pair.servers[0].url}/admin/accounts/{account['id']}"
    assert httpx.post(f"{path}/disable", headers=headers, trust_env=False, timeout=SECONDS).json()["disabled"] is True
    until(lambda: [pair.ask(key, number).status_code for number in (0, 1)] == [502, 502])
    assert httpx.post(f"{path}/enable", headers=headers, trust_env=False, timeout=SECONDS).json()["disabled"] is False
    until(lambda: [pair.ask(key, number).status_code for number in (0, 1)] == [200, 200])


def test_no_key_is_kept_or_said(pair: Pair) -> None:
    keys = [pair.admin, pair.key("one-more")]
    said = [pair.ask(key).text for key in (*keys, "cwp_canary-that-is-wrong")]
    said += [pair.get(path, pair.admin).text for path in ("/admin/stats?since=1d&by=key", "/admin/accounts")]
    for arguments in (("keys", "list"), ("keys", "list", "--json"), ("usage", "--by", "key"), ("doctor",)):
        done = pair.command(*arguments)
        said.append(done.out + done.err)
    said += [server.out + server.err for server in pair.servers]
    with Store.open(pair.home / "data") as store:
        token = store.token(store.accounts()[0].id)
        with store.database.reading() as statements:
            tables = {name: str(statements.execute(f"SELECT * FROM {name}")) for name in TABLES}
    assert token is not None
    tokens = [token.access_token.reveal(), *([token.refresh_token.reveal()] if token.refresh_token else [])]
    assert tokens[0] in tables["token"], "else this looks for nothing"
    said += [text for name, text in tables.items() if name not in SECRET_TABLES]
    assert not [secret[:8] for secret in (*keys, *tokens) for text in said if secret in text]
    assert not [key[:8] for key in keys for text in tables.values() if key in text]
    files = b"".join(path.read_bytes() for path in (pair.home / "data").iterdir() if path.is_file())
    assert not [key[:8] for key in keys if key.encode() in files]


def test_a_server_that_is_stopped_writes_what_it_has_seen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Server("simulate", "--auto-approve", "--pace", "0", home=home) as simulator:
        store_login(home, SimulatorClient(simulator.url).account("builder-id"))
        with Server("serve", "--endpoint", simulator.url, "--port", "0", home=home) as proxy:
            body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
            for _ in range(5):
                answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=body, trust_env=False, timeout=SECONDS)
                assert answer.status_code == 200
            proxy.end(signal.SIGTERM)
    done = command("usage", "--json", home=home)
    assert json.loads(done.out)["groups"][0]["served"] == 5


def test_a_token_that_the_backend_repeats_is_not_shown_to_operators(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Server("simulate", "--auto-approve", "--pace", "0", home=home) as simulator:
        aws = SimulatorClient(simulator.url)
        account = store_login(home, aws.account("builder-id"))
        admin = command("keys", "create", "operator", "--admin", home=home).out.strip()
        with Store.open(home / "data") as store:
            stored = store.token(account.id)
        assert stored is not None
        token = stored.access_token.reveal()
        with Server("serve", "--endpoint", simulator.url, "--port", "0", home=home) as proxy:
            repeated = json.dumps({"message": f"bad token {token}"})
            aws.fault("status", status=400, body=repeated, count=9, scope="control-plane")
            answer = accounts(proxy, admin)
    assert "bad token" in answer.json()["accounts"][0]["quota"]["problem"]
    assert token not in answer.text + proxy.out + proxy.err
