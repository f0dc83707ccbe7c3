"""What keeps the logins goes away: a database that is stopped, a disk that is full, a machine that dies. Requests are
answered with the token in memory for as long as it lives, no refresh token is spent, and it ends without help.

`HYPOTHESIS_PROFILE=deep` stops the database for half a minute.
"""

import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx
import psycopg
import pytest
from tests.support.postgresql import PASSWORD, PostgresqlServer
from tests.support.program import Server, command, until
from tests.support.records import dump
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

from cwproxy.store import Store, schema
from cwproxy.store.sqlite import FILE_NAME

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]

OUTAGE_SECONDS = 30.0 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 4.0
BODY = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def aws() -> Iterator[Simulator]:
    with Simulator(auto_approve=0) as simulator:
        yield simulator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def ask(server: Server) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=SECONDS) as client:
        return client.post(f"{server.url}/v1/chat/completions", json=BODY)


def ready(server: Server) -> bool:
    return httpx.get(f"{server.url}/health/ready", trust_env=False, timeout=SECONDS).status_code == 200


def spent(aws: Simulator) -> int:
    """How often the service was sent a refresh token."""
    return sum("refresh_token" in call.body for call in aws.received("/token", secrets=True))


def log_in(home: Path, environment: dict[str, str]) -> None:
    done = command("login", "--no-browser", home=home, environment=environment)
    assert done.code == 0, done.err


def test_a_database_that_is_stopped(
    aws: Simulator, home: Path, postgresql_server: PostgresqlServer, database_url: str
) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url, "CWPROXY_DATABASE_URL": database_url}
    log_in(home, environment)
    with (
        Server("serve", "--port", "0", home=home, environment=environment) as one,
        Server("serve", "--port", "0", home=home, environment=environment) as two,
    ):
        assert [ask(server).status_code for server in (one, two)] == [200, 200]
        before = spent(aws)
        postgresql_server.stop()
        stopped, statuses, slowest = time.monotonic(), [], 0.0
        while time.monotonic() < stopped + OUTAGE_SECONDS or not all("cannot be used" in it.err for it in (one, two)):
            for server in (one, two):
                started = time.monotonic()
                statuses.append(ask(server).status_code)
                slowest = max(slowest, time.monotonic() - started)
        during = spent(aws)
        postgresql_server.start()
        print(
            f"\nPostgreSQL stopped for {OUTAGE_SECONDS:g} s: {len(statuses)} requests, "
            f"{sum(status != 200 for status in statuses)} failed, slowest {slowest:.2f} s, "
            f"{during - before} refresh tokens spent"
        )
        assert set(statuses) == {200}
        assert during == before
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE token SET expires_at = 0")
        with Server("serve", "--port", "0", home=home, environment=environment) as three:
            assert [ask(server).status_code for server in (one, two, three)] == [200, 200, 200]
        for server in (one, two):
            assert "postgresql://" in server.err
            assert PASSWORD not in server.out + server.err
            assert "Traceback" not in server.err
    assert spent(aws) == before + 1
    with Store.open(database_url) as store:
        (account,) = store.accounts()
        token, registration = store.token(account.id), store.registration(account.id)
        tables = dump(store.database)
    assert token is not None
    assert token.generation == 2
    assert token.refresh_token is not None
    assert registration is not None
    for secret in (token.access_token, token.refresh_token, registration.client_secret):
        assert {table for table, content in tables.items() if secret.reveal() in content} <= set(schema.SECRET_TABLES)


def test_a_database_that_hangs_holds_back_neither_answers_nor_the_end(
    aws: Simulator, home: Path, postgresql_server: PostgresqlServer, database_url: str
) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url, "CWPROXY_DATABASE_URL": database_url}
    log_in(home, environment)
    with Server("serve", "--port", "0", home=home, environment=environment) as server:
        assert ask(server).status_code == 200
        with postgresql_server.hanging():
            stopped, statuses, took = time.monotonic(), [], list[float]()
            while time.monotonic() < stopped + OUTAGE_SECONDS or len(took) < 10:
                started = time.monotonic()
                statuses.append(ask(server).status_code)
                took.append(time.monotonic() - started)
            started = time.monotonic()
            server.end(signal.SIGTERM)
            ended = time.monotonic() - started
    print(f"\nPostgreSQL hangs: {len(statuses)} requests, slowest {max(took):.2f} s; SIGTERM ended it in {ended:.2f} s")
    assert set(statuses) == {200}
    assert max(took) < 10.0, "the patience of `Sharing`, which is two seconds, and not that of the database"
    assert median(took) < 1.0, "and once"
    assert ended < 20.0, "five seconds, and what a busy machine takes"
    assert "Traceback" not in server.err


def test_a_database_that_is_away_before_anything_was_read_from_it(
    aws: Simulator, home: Path, postgresql_server: PostgresqlServer, database_url: str
) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url, "CWPROXY_DATABASE_URL": database_url}
    log_in(home, environment)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE token SET expires_at = 0")
    with Server("serve", "--port", "0", home=home, environment=environment) as server:
        postgresql_server.stop()
        refused = ask(server)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "store_unavailable"
        assert PASSWORD not in refused.text
        assert spent(aws) == 0
        done = command("serve", "--port", "0", home=home, environment=environment)
        assert done.code == 1
        assert "cannot be used" in done.err
        assert len(done.err.splitlines()) == 1
        postgresql_server.start()
        until(lambda: ask(server).status_code == 200)
    assert spent(aws) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_disk_that_is_full_when_it_is_time_to_renew(aws: Simulator, home: Path) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url}
    log_in(home, environment)
    with Server("serve", "--port", "0", home=home, environment=environment) as server:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        database = sqlite3.connect(home / "data" / FILE_NAME)
        with database:
            database.execute("UPDATE token SET expires_at = ?", (time.time() + 12.0,))
        database.close()
        lived = list(iter(lambda: ask(server).status_code, 503))
        assert set(lived) == {200}
        refused = ask(server)
        assert spent(aws) == 0
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: ask(server).status_code == 200)
        said = server.err
    print(f"\nfull disk: {len(lived)} requests answered with the token in hand, then: {refused.text}")
    assert "cannot use its store" in refused.text
    assert "the result could not be kept" in said
    assert "Traceback" not in said
    assert spent(aws) == 1
    with Store.open(home / "data") as store:
        token = store.token(store.accounts()[0].id)
    assert token is not None
    assert token.generation == 2


def test_a_machine_that_dies_in_the_middle_of_an_answer(aws: Simulator, home: Path, database_url: str) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url, "CWPROXY_DATABASE_URL": database_url}
    log_in(home, environment)
    aws.say("One two three four five six seven eight nine ten.", pace=1.0)
    with (
        Server("serve", "--port", "0", home=home, environment=environment) as one,
        Server("serve", "--port", "0", home=home, environment=environment) as two,
        httpx.Client(trust_env=False, timeout=SECONDS) as client,
        client.stream("POST", f"{one.url}/v1/chat/completions", json={**BODY, "stream": True}) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("data:")
        one.end(signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            list(lines)
        assert ask(two).status_code == 200
    with Store.open(database_url) as store:
        assert [account.state.value for account in store.accounts()] == ["active"]


def test_what_one_replica_finds_out_the_other_soon_knows(aws: Simulator, home: Path, database_url: str) -> None:
    environment = {"CWPROXY_ENDPOINT": aws.url, "CWPROXY_DATABASE_URL": database_url}
    log_in(home, environment)
    with (
        Server("serve", "--port", "0", home=home, environment=environment) as one,
        Server("serve", "--port", "0", home=home, environment=environment) as two,
    ):
        assert [ask(server).status_code for server in (one, two)] == [200, 200]
        aws.set_state(aws.accounts()[0]["id"], "monthly-402")
        refused = ask(one)
        until(lambda: not ready(two))
        calls = len(aws.received("GenerateAssistantResponse"))
        also = ask(two)
        assert len(aws.received("GenerateAssistantResponse")) == calls
    assert refused.status_code == also.status_code == 429
