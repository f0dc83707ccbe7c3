"""`login`, `logout` and `whoami`, against a simulator that approves by itself or is told to."""

import json
import signal
import threading
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Cli
from tests.support.program import Terminal, command, store_login, until
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

from cwproxy.store import Store

START_URL = "https://acme.awsapps.com/start"
US = "arn:aws:codewhisperer:us-east-1:123456789012:profile/AAAAAAAAAAAA"
EU = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/BBBBBBBBBBBB"


def two_profiles(aws: Simulator) -> None:
    aws.account("identity-center", region="eu-west-1", start_url=START_URL, profile_arns=[US, EU])


def accounts(home: Path) -> list[tuple[str, str, str | None]]:
    with Store.open(home / "data") as store:
        return [(account.kind.value, account.label, account.profile_arn) for account in store.accounts()]


def test_builder_id_without_a_terminal(aws: Simulator, cli: Cli, home: Path) -> None:
    done = cli("login", "--no-browser", "--endpoint", aws.url)
    assert done.code == 0
    assert done.out == "Logged in as builder-id (builder-id).\n"
    code = aws.devices()[0]["userCode"]
    assert f"Open    {aws.url}/device?user_code={code}\n" in done.err
    assert f"shows the code {code}\n" in done.err
    assert "Waiting for the confirmation" in done.err
    assert accounts(home) == [("builder-id", "builder-id", None)]
    assert (home / "data").stat().st_mode & 0o077 == 0


def test_a_second_login_of_the_same_person_keeps_the_account(aws: Simulator, cli: Cli, home: Path) -> None:
    assert cli("login", "--no-browser", "--endpoint", aws.url).code == 0
    assert cli("login", "--no-browser", "--endpoint", aws.url).out == (
        "Logged in as builder-id (builder-id).\n"
        "This replaced the login of builder-id; for another account add `--label NAME`.\n"
    )
    assert len(accounts(home)) == 1
    assert len(aws.received("RegisterClient") or aws.received("/client/register")) == 1


def test_two_people_are_two_accounts(aws: Simulator, cli: Cli, home: Path) -> None:
    people = [aws.account("builder-id") for _ in range(2)]
    said = []
    for person in (*people, people[0]):
        aws.next_login(person)
        said.append(cli("accounts", "add", "builder-id", "--no-browser", "--endpoint", aws.url).out)
    assert said[:2] == ["Logged in as builder-id (builder-id).\n", "Logged in as builder-id-2 (builder-id).\n"]
    assert "This replaced the login of builder-id, which is the same person's;" in said[2]
    labels = ["builder-id", "builder-id-2"]
    assert [label for _, label, _ in accounts(home)] == labels
    for label in labels:
        assert cli("accounts", "test", label, "--endpoint", aws.url).code == 0
    again = cli("login", "--no-browser", "--label", "builder-id-2", "--endpoint", aws.url)
    assert again.out.endswith("This replaced the login of builder-id-2.\n")


def test_the_start_url_of_builder_id_is_builder_id(aws: Simulator, cli: Cli) -> None:
    done = cli("login", "--no-browser", "--endpoint", aws.url, "--start-url", "https://view.awsapps.com/start/")
    assert done.out == "Logged in as builder-id (builder-id).\n"


def test_identity_center_takes_the_first_profile_without_a_terminal(aws: Simulator, cli: Cli, home: Path) -> None:
    two_profiles(aws)
    endpoint = aws.url + "/{region}"
    done = cli("login", "--no-browser", "--endpoint", endpoint, "--start-url", START_URL, "--region", "eu-west-1")
    assert done.out == f"Logged in as acme (identity-center, profile {US}).\n"
    assert accounts(home) == [("identity-center", "acme", US)]
    regions = [received.region for received in aws.received("ListAvailableProfiles")]
    assert regions == ["us-east-1", "eu-central-1"]
    assert {received.region for received in aws.received("/token") or aws.received("CreateToken")} == {"eu-west-1"}


def test_identity_center_with_a_named_profile_and_its_region(aws: Simulator, cli: Cli, home: Path) -> None:
    two_profiles(aws)
    endpoint = aws.url + "/{region}"
    where = ("--start-url", START_URL, "--region", "eu-west-1", "--profile-arn", EU)
    assert cli("login", "--no-browser", "--endpoint", endpoint, *where).code == 0
    assert accounts(home) == [("identity-center", "acme", EU)]
    aws.say("From Frankfurt.")
    assert cli("chat", "Hi", "--endpoint", endpoint).out == "From Frankfurt.\n"
    assert aws.received("GenerateAssistantResponse")[-1].region == "eu-central-1"


def test_a_profile_that_the_person_does_not_have(aws: Simulator, cli: Cli, home: Path) -> None:
    two_profiles(aws)
    where = ("--start-url", START_URL, "--region", "eu-west-1", "--profile-arn", EU.replace("B", "C"))
    done = cli("login", "--no-browser", "--endpoint", aws.url + "/{region}", *where)
    assert done.code == 1
    assert f"profile/CCCCCCCCCCCC; this user has {US}, {EU}." in done.err
    assert accounts(home) == []


def test_a_profile_that_is_not_the_only_one_the_person_has(aws: Simulator, cli: Cli, home: Path) -> None:
    aws.account("identity-center", start_url=START_URL, profile_arns=[US])
    done = cli("login", "--no-browser", "--endpoint", aws.url, "--start-url", START_URL, "--profile-arn", EU)
    assert done.code == 1
    assert f"There is no profile {EU}; this user has {US}." in done.err
    assert accounts(home) == []


def test_no_profile_at_all(aws: Simulator, cli: Cli) -> None:
    aws.account("identity-center", start_url=START_URL, profile_arns=[])
    done = cli("login", "--no-browser", "--endpoint", aws.url, "--start-url", START_URL)
    assert done.code == 1
    assert "no Q Developer or Kiro profile is assigned" in done.err


def test_the_wrong_region(aws: Simulator, cli: Cli) -> None:
    aws.fault("error", scope="oidc", count=9, error="invalid_request", message="Invalid start url provided")
    done = cli("login", "--no-browser", "--endpoint", aws.url, "--start-url", START_URL)
    assert done.code == 1
    assert "region" in done.err
    assert len(done.err.splitlines()) <= 2


def test_denied(cli: Cli, home: Path) -> None:
    with Simulator() as aws:

        def deny() -> None:
            until(lambda: bool(aws.devices()))
            aws.deny(aws.devices()[0]["userCode"])

        person = threading.Thread(target=deny)
        person.start()
        done = cli("login", "--no-browser", "--endpoint", aws.url)
        person.join()
    assert done.code == 1
    assert "error: The login was denied in the browser. Run `cwproxy login` to try again.\n" in done.err
    assert accounts(home) == []


def test_expired(cli: Cli) -> None:
    with Simulator() as aws:

        def linger() -> None:
            until(lambda: bool(aws.devices()))
            aws.advance(3600)

        person = threading.Thread(target=linger)
        person.start()
        done = cli("login", "--no-browser", "--endpoint", aws.url)
        person.join()
    assert done.code == 1
    assert "error: The code expired before it was confirmed. Run `cwproxy login` for a new one.\n" in done.err


def test_nobody_answers(cli: Cli) -> None:
    done = cli("login", "--no-browser", "--endpoint", "http://127.0.0.1:9")
    assert done.code == 1
    assert "Check the region and the network" in done.err
    assert "Traceback" not in done.err


def test_the_browser_is_opened_and_its_absence_is_no_obstacle(aws: Simulator, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    done = command("login", "--endpoint", aws.url, home=tmp_path / "one", environment={"BROWSER": str(browser)})
    assert done.code == 0
    until(lambda: opened.is_file() and opened.read_text().endswith("\n"))
    assert opened.read_text() == f"{aws.url}/device?user_code={aws.devices()[0]['userCode']}\n"
    nowhere = {"BROWSER": "/nonexistent/browser %s", "PATH": "/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    done = command("login", "--endpoint", aws.url, home=tmp_path / "two", environment=nowhere)
    assert done.code == 0
    assert "any other device will do" in done.err


def test_at_a_terminal_the_profile_is_asked_for(aws: Simulator, tmp_path: Path) -> None:
    two_profiles(aws)
    home = tmp_path / "home"
    where = ("--endpoint", aws.url + "/{region}", "--start-url", START_URL, "--region", "eu-west-1")
    with Terminal("login", "--no-browser", *where, home=home) as terminal:
        terminal.wait_for(r"Waiting until you have confirmed it \(the code is good for 10 min\)")
        terminal.wait_for(r"Which profile\? \[1-2, default 1\] ")
        assert US in terminal.shown
        assert EU in terminal.shown
        terminal.type("7\n")
        terminal.wait_for(r"(?s)Which profile.*Which profile")
        terminal.type("2\n")
        assert terminal.end() == 0
    assert f"profile {EU}" in terminal.shown.replace("\r\n", " ")
    assert accounts(home) == [("identity-center", "acme", EU)]


def test_ctrl_c_while_it_waits(tmp_path: Path) -> None:
    with Simulator() as aws, Terminal("login", "--no-browser", "--endpoint", aws.url, home=tmp_path) as terminal:
        terminal.wait_for("Waiting until you have confirmed it")
        terminal.send(signal.SIGINT)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense",), "there are builder-id, identity-center, social, api-key, iam"),
        (("identity-center",), "needs --start-url"),
        (("social", "--provider", "myspace"), "--provider is google or github"),
        (("builder-id", "--start-url", START_URL), "--start-url is for identity-center, not for builder-id"),
        (("social", "--aws-profile", "x"), "--aws-profile is for iam, not for social"),
        (("--region", "eu-west-1"), "--region is not for builder-id, which is at home in us-east-1."),
        (
            ("identity-center", "--start-url", START_URL, "--region", "mars-1"),
            "--region: 'mars-1' is no region of AWS, such as eu-west-1.",
        ),
    ],
)
def test_what_does_not_go_together(cli: Cli, home: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = cli("login", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert not (home / "data").exists()


def test_an_identity_center_of_builder_id_is_builder_id(aws: Simulator, cli: Cli) -> None:
    way = ("identity-center", "--start-url", "https://view.awsapps.com/start/#/", "--no-browser")
    assert cli("login", *way, "--endpoint", aws.url).out == "Logged in as builder-id (builder-id).\n"


def test_a_key_of_the_settings_has_no_end(aws: Simulator, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIRO_API_KEY", aws.account("api-key").token)
    assert cli("login", "api-key", "--endpoint", aws.url).out == "Logged in as api-key (api-key).\n"
    assert "has no end" in cli("whoami").out
    assert json.loads(cli("whoami", "--json").out)[0]["access_token_expires_at"] is None
    assert "an API key, which has no end" in cli("doctor", "--endpoint", aws.url).out


def test_ctrl_c_while_the_browser_is_away(tmp_path: Path) -> None:
    with Simulator() as aws:
        environment = {"BROWSER": "true"}
        way = ("login", "--browser", "--endpoint", aws.url)
        with Terminal(*way, home=tmp_path, environment=environment) as terminal:
            terminal.wait_for(r"Waiting until you have confirmed it \(there are 3 min for it\)")
            terminal.send(signal.SIGINT)
            assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


def test_a_browser_that_cannot_be_opened_has_to_be_opened_here(aws: Simulator, tmp_path: Path) -> None:
    nowhere = {"BROWSER": "/nonexistent/browser %s", "PATH": "/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    way = ("login", "social", "--browser", "--endpoint", aws.url)
    with Terminal(*way, home=tmp_path / "home", environment=nowhere) as terminal:
        terminal.wait_for("open the page in one on this machine")
        page = terminal.wait_for(r"Open    (http://\S+)\s")[1]
        assert httpx.get(page, follow_redirects=True, trust_env=False, timeout=SECONDS).status_code == 200
        assert terminal.end() == 0
    assert "Logged in as google (social, profile " in terminal.shown


@pytest.mark.usefixtures("aws_keys")
def test_aws_credentials(cli: Cli, home: Path) -> None:
    done = cli("login", "iam", "--region", "eu-central-1")
    assert (done.code, done.out, done.err) == (0, "Logged in as iam (iam).\n", "")
    assert cli("login", "iam", "--region", "eu-central-1").out.endswith("This replaced the login of iam.\n")
    assert accounts(home) == [("iam", "iam", None)]
    assert "from AWS credentials" in cli("whoami").out


@pytest.mark.usefixtures("aws_keys")
def test_aws_credentials_that_are_not_there(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    done = cli("login", "iam")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: There are no AWS credentials. Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run "
        "`aws configure`.\n"
    )
    assert accounts(home) == []


def test_whoami_shows_every_account(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("builder-id", id="fresh"))
    store_login(home, aws.account("identity-center", id="stale", profile_arns=[US]), expires_in=-5)
    done = cli("whoami")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["id", "account", "kind", "profile", "state", "access", "token"]
    assert "fresh" in lines[1]
    assert "active  good for 60 min" in lines[1]
    assert US in lines[2]
    assert "expired, renewed on use" in lines[2]


def test_whoami_as_json(aws: Simulator, cli: Cli, home: Path) -> None:
    store_login(home, aws.account("identity-center", id="work", start_url=START_URL, profile_arns=[US]), surface="q")
    document = json.loads(cli("whoami", "--json").out)
    ends = document[0].pop("access_token_expires_at")
    assert isinstance(ends, float)
    assert document == [
        {
            "id": "work",
            "label": "work",
            "kind": "identity-center",
            "start_url": START_URL,
            "sso_region": "us-east-1",
            "profile_arn": US,
            "surface": "q",
            "state": "active",
            "state_detail": "",
            "aws_profile": None,
        }
    ]


def test_logout_forgets_the_account_and_its_tokens(aws: Simulator, cli: Cli, home: Path) -> None:
    account = aws.account("builder-id", id="mine")
    store_login(home, account)
    assert cli("logout").out == "Forgot mine (builder-id).\n"
    assert accounts(home) == []
    assert not any(account.token.encode() in file.read_bytes() for file in (home / "data").iterdir())
    assert cli("whoami").code == 1


def test_logout_of_one_of_several(aws: Simulator, cli: Cli, home: Path) -> None:
    for name in ("alpha", "beta"):
        store_login(home, aws.account("builder-id", id=name))
    several = cli("logout")
    assert several.code == 1
    assert "There are several accounts; name one: alpha, beta." in several.err
    unknown = cli("logout", "gamma")
    assert unknown.code == 1
    assert "There is no account 'gamma'" in unknown.err
    assert cli("logout", "be").out == "Forgot beta (builder-id).\n"
    assert [label for _, label, _ in accounts(home)] == ["alpha"]


@pytest.mark.parametrize("name", ["whoami", "logout", "login"])
def test_files_that_others_can_read_are_refused(aws: Simulator, cli: Cli, home: Path, name: str) -> None:
    store_login(home, aws.account("builder-id"))
    (home / "data").chmod(0o755)
    done = cli(name, *(("iam",) if name == "login" else ()))
    assert done.code == 1
    assert f"chmod 700 {home / 'data'}" in done.err
