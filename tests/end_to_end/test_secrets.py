"""Nothing that any program says holds a secret, and nobody else can read the files."""

import json
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.end_to_end.conftest import KEY, OTHER_KEY, running
from tests.support.program import command
from tests.support.records import dump
from tests.support.simulator import Received

from cwproxy.store import Store, schema

pytestmark = pytest.mark.end_to_end

MEMBERS = ("refreshToken", "clientSecret", "deviceCode")


def stored(home: Path) -> list[str]:
    """The access token, the refresh token and the client's secret."""
    with Store.open(home / "data") as store:
        (account,) = store.accounts()
        token, registration = store.token(account.id), store.registration(account.id)
    assert token is not None
    assert token.refresh_token is not None
    assert registration is not None
    return [secret.reveal() for secret in (token.access_token, token.refresh_token, registration.client_secret)]


def sent(calls: list[Received]) -> Iterator[str]:
    """What the calls proved themselves with."""
    for call in calls:
        if "authorization" in call.headers:
            yield call.headers["authorization"].removeprefix("Bearer ")
        if call.operation is None or call.path == "/token":
            yield from (call.json[name] for name in MEMBERS if name in call.json)


def permissions(directory: Path) -> Iterator[tuple[Path, int]]:
    for path in (directory, *directory.iterdir()):
        with suppress(FileNotFoundError):  # the programs are running: a file may be gone by now
            yield path, stat.S_IMODE(path.stat().st_mode)


def test_no_secret_is_said_and_no_file_is_open(tmp_path: Path) -> None:
    said: list[str] = []
    with running(tmp_path, CWPROXY_LOG_LEVEL="debug") as programs:
        aws, home, endpoint = programs.aws, programs.home, ("--endpoint", programs.simulator.url)
        account = aws.accounts()[0]["id"]

        def ask(text: str = "Hello", *, key: str = KEY) -> None:
            answer = programs.ask(text, key=key)
            said.append(f"{answer.headers}{answer.text}")

        def run(*arguments: str) -> None:
            done = command(*arguments, home=home, environment={"CWPROXY_LOG_LEVEL": "debug"})
            said.append(done.out + done.err)

        ask()
        ask(key="cwp_canary-key-that-is-wrong")
        aws.set_state(account, "expired")
        ask("renewed")
        for state in ("suspended", "throttled", "monthly-402", "healthy"):
            aws.set_state(account, state)
            ask(state)
        token = stored(home)[0]
        aws.fault("status", status=400, body=json.dumps({"message": f"bad token {token}"}), count=9)
        ask("an error that repeats the token")
        aws.fault("rst-after", after=1, count=9)
        ask("cut")
        aws.revoke_logins(account)
        ask("revoked")
        run("whoami")
        run("whoami", "--json")
        run("doctor", *endpoint)
        run("models", *endpoint)
        run("chat", "Hi", *endpoint)
        run("login", "--no-browser", *endpoint)
        run("chat", "Hi", *endpoint)
        with Store.open(home / "data") as store:
            tables = dump(store.database)
        secrets = {KEY, OTHER_KEY, token, *stored(home), *sent(programs.aws.received(secrets=True))}
        modes = dict(permissions(home / "data"))
        programs.proxy.end(signal.SIGTERM)
        said += [programs.proxy.out, programs.proxy.err]
    assert len(secrets) >= 6
    assert programs.proxy.err, "nothing was logged, so nothing was tested"
    for text in said:
        assert not [secret for secret in secrets if secret in text], "a secret was said"
    for table, content in tables.items():
        if table not in schema.SECRET_TABLES:
            assert not [secret for secret in secrets if secret in content], f"a secret is in the table {table}"
    assert tables["account"]
    assert {oct(mode) for path, mode in modes.items() if path.is_dir()} == {"0o700"}
    assert {oct(mode) for path, mode in modes.items() if path.is_file()} == {"0o600"}
