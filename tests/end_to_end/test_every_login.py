"""Every kind of login as a user makes it: by the command, then questions to the proxy, then a renewal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from tests.support.program import Done, Server, Terminal, command
from tests.support.simulator import SimulatorClient
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.end_to_end

START_URL = "https://d-1234567890.awsapps.com/start"
SOCIAL = ("social", "--provider", "github")
CENTER = ("identity-center", "--start-url", START_URL + "/", "--region", "eu-west-1")


@dataclass
class Desk:
    """The simulator, a home of one's own, and everything that was said."""

    aws: SimulatorClient
    home: Path
    endpoint: str
    said: list[str] = field(default_factory=list)

    def login(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        done = command(
            "login", *arguments, "--endpoint", self.endpoint, home=self.home, stdin=stdin, environment=environment
        )
        self.said += [done.out, done.err]
        return done

    @contextmanager
    def serving(self, **environment: str) -> Iterator["Desk"]:
        settings = {"CWPROXY_LOG_LEVEL": "debug", **environment}
        serve = ("serve", "--endpoint", self.endpoint, "--port", "0")
        with Server(*serve, home=self.home, environment=settings) as proxy:
            self.url = proxy.url
            yield self
        self.said += [proxy.out, proxy.err]

    def ask(self) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
        answer = httpx.post(f"{self.url}/v1/chat/completions", json=body, trust_env=False, timeout=SECONDS)
        self.said.append(answer.text)
        return answer

    @property
    def account(self) -> str:
        (account,) = self.aws.accounts()
        identifier: str = account["id"]
        return identifier

    def surfaces(self) -> set[str | None]:
        return {call.surface for call in self.aws.received() if call.operation == "GenerateAssistantResponse"}

    def secrets(self) -> set[str]:
        """What the programs have proved themselves with, as the simulator received it."""
        calls = self.aws.received(secrets=True)
        shown = {call.headers.get("authorization", "").removeprefix("Bearer ") for call in calls}
        for call in calls:
            for name in ("refreshToken", "clientSecret", "deviceCode", "code", "codeVerifier", "code_verifier"):
                if call.method == "POST" and call.body.startswith("{"):
                    shown.add(str(call.json.get(name, "")))
        return {secret for secret in shown if secret and not secret.startswith("AWS4")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    home = tmp_path / "home"
    with Server("simulate", "--auto-approve", "--pace", "0", home=home) as simulator:
        desk = Desk(SimulatorClient(simulator.url), home, simulator.url + "/{region}")
        yield desk
        said = "".join(desk.said)
        assert not [secret for secret in desk.secrets() if secret in said]


@pytest.fixture
def browser(tmp_path: Path) -> str:
    """A browser of a few lines, for `$BROWSER`: it goes where it is sent."""
    program = tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n")
    program.chmod(0o755)
    return str(program)


def asks_and_is_renewed(desk: Desk, path: str) -> None:
    with desk.serving():
        assert desk.ask().status_code == 200
        desk.aws.set_state(desk.account, "expired")
        assert desk.ask().status_code == 200
    assert [call.path for call in desk.aws.received() if call.path == path and "oken" in call.path][-1] == path
    refreshes = [call for call in desk.aws.received(secrets=True) if call.path == path and "refresh" in call.body]
    assert len(refreshes) == 1


@pytest.mark.parametrize(
    ("arguments", "said", "surface", "refresh"),
    [
        (("builder-id",), "builder-id (builder-id)", "q", "/token"),
        (CENTER, "d-1234567890 (identity-center, profile ", "kiro", "/token"),
        (SOCIAL, "github (social, profile ", "kiro", "/refreshToken"),
    ],
    ids=["builder-id", "identity-center", "social"],
)
@pytest.mark.parametrize("way", ["--browser", "--no-browser"])
def test_a_person_logs_in(
    desk: Desk, browser: str, arguments: tuple[str, ...], said: str, surface: str, refresh: str, way: str
) -> None:
    done = desk.login(*arguments, way, BROWSER=browser)
    assert done.code == 0, done.err
    assert done.out.startswith(f"Logged in as {said}")
    assert ("shows the code" in done.err) == (way == "--no-browser")
    asks_and_is_renewed(desk, refresh)
    assert desk.surfaces() == {surface}


def test_a_kiro_api_key(desk: Desk) -> None:
    account = desk.aws.account("api-key")
    by_line = desk.login("api-key", stdin=account.token + "\n")
    assert (by_line.code, by_line.out) == (0, "Logged in as api-key (api-key).\n"), by_line.err
    assert desk.login("api-key", KIRO_API_KEY=account.token).out.startswith(by_line.out)
    with desk.serving():
        assert desk.ask().status_code == 200
        desk.aws.set_state(account, "expired")
        refused = desk.ask()
        assert refused.status_code == 502
    (call, *_) = desk.aws.received("GenerateAssistantResponse")
    assert (call.surface, call.headers["tokentype"]) == ("kiro", "API_KEY")
    assert "profileArn" not in call.json
    wrong = desk.login("api-key", stdin="ksk_canary-that-nobody-knows\n")
    assert wrong.code == 1
    assert "did not accept the API key" in wrong.err
    assert "canary" not in wrong.err


def test_a_kiro_api_key_at_a_terminal_is_not_shown(desk: Desk) -> None:
    account = desk.aws.account("api-key")
    with Terminal("login", "api-key", "--endpoint", desk.endpoint, home=desk.home) as terminal:
        terminal.wait_for(r"Kiro API key \(it is not shown\): ")
        terminal.type(account.token + "\n")
        assert terminal.end() == 0
    assert account.token not in terminal.shown
    assert "Logged in as api-key (api-key)." in terminal.shown


def test_aws_credentials_that_a_process_hands_out_for_minutes(desk: Desk, tmp_path: Path) -> None:
    account = desk.aws.account("iam", session_token="canary-session")
    credentials = {
        "Version": 1,
        "AccessKeyId": account.access_key_id,
        "SecretAccessKey": account.secret_access_key,
        "SessionToken": account.session_token,
    }
    program, runs, config = tmp_path / "process.py", tmp_path / "runs", tmp_path / "aws-config"
    program.write_text(
        "import datetime, json\n"
        f"print('x', file=open({str(runs)!r}, 'a'))\n"
        "end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)\n"
        f"print(json.dumps({json.dumps(credentials)} | {{'Expiration': end.isoformat()}}))\n"
    )
    config.write_text(f"[profile work]\ncredential_process = {sys.executable} {program}\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    assert "there are work" in desk.login("iam", "--aws-profile", "wrok", **files).err
    done = desk.login("iam", "--aws-profile", "work", **files)
    assert (done.code, done.out) == (0, "Logged in as work (iam).\n"), done.err
    with desk.serving(**files):
        assert [desk.ask().status_code for _ in range(2)] == [200, 200]
    assert len(runs.read_text().splitlines()) >= 2
    assert {call.surface for call in desk.aws.received("SendMessage")} == {"q-iam"}
    said = "".join(desk.said)
    assert "canary-session" not in said and str(account.secret_access_key) not in said


def test_a_companys_identity_provider(desk: Desk) -> None:
    account = desk.aws.account("external-idp")
    file = desk.home.parent / "kiro-auth-token.json"
    members = {
        "accessToken": account.token,
        "refreshToken": account.refresh_token,
        "expiresAt": "2099-01-01T00:00:00.000Z",
        "authMethod": "external_idp",
        "provider": "ExternalIdp",
        "region": account.region,
        "profileArn": account.profile_arn,
        "tokenEndpoint": account.token_endpoint,
        "clientId": account.client_id,
    }
    file.write_text(json.dumps(members))
    file.chmod(0o600)
    done = command("accounts", "import", str(file), "--endpoint", desk.endpoint, home=desk.home)
    assert done.code == 0, done.err
    desk.said += [done.out, done.err]
    with desk.serving():
        assert desk.ask().status_code == 200
        desk.aws.set_state(account, "expired")
        assert desk.ask().status_code == 200
    assert json.loads(file.read_text())["refreshToken"] != account.refresh_token
    calls = desk.aws.received("GenerateAssistantResponse")
    assert {call.headers["tokentype"] for call in calls} == {"EXTERNAL_IDP"}
    assert sum(call.path.endswith("/oauth2/v2.0/token") for call in desk.aws.received()) == 1


def test_every_spelling_of_a_start_url_is_one_account(desk: Desk) -> None:
    for spelling in (START_URL, START_URL + "/", START_URL + "/#/", START_URL.removeprefix("https://")):
        done = desk.login("identity-center", "--start-url", spelling, "--no-browser")
        assert done.code == 0, done.err
    assert len(json.loads(command("whoami", "--json", home=desk.home).out)) == 1


def test_what_does_not_go_together_is_said_before_anything_is_sent(desk: Desk) -> None:
    for arguments, sentence in (
        (("nonsense",), "there are builder-id, identity-center, social, api-key, iam"),
        (("identity-center",), "needs --start-url"),
        (("social", "--provider", "myspace"), "google or github"),
        (("builder-id", "--start-url", START_URL), "--start-url is for identity-center"),
        (("social", "--aws-profile", "x"), "--aws-profile is for iam"),
        (("iam", "--surface", "kiro"), "q-iam takes AWS credentials"),
    ):
        done = desk.login(*arguments)
        assert done.code in (1, 2)
        assert sentence in done.err
        assert len(done.err.splitlines()) == 1
    assert desk.aws.received() == []
