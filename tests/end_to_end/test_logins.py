"""Logins that end and begin while the proxy runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.end_to_end.conftest import Running, running
from tests.support.program import command, until

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as started:
        yield started


def account(programs: Running) -> str:
    identifier = programs.aws.accounts()[0]["id"]
    assert isinstance(identifier, str)
    return identifier


def until_ready(programs: Running, status: int) -> None:
    """The proxy believes for a second in what it has seen of the logins."""
    until(lambda: programs.ready().status_code == status)


def refreshes(programs: Running) -> int:
    calls = programs.aws.received(secrets=True)
    return sum(call.path == "/token" and "refresh_token" in call.body for call in calls)


def test_a_token_that_ends_is_renewed_once_for_all(programs: Running) -> None:
    assert programs.ask().status_code == 200
    programs.aws.set_state(account(programs), "expired")
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda number: programs.ask(f"Question {number}"), range(16)))
    assert [answer.status_code for answer in answers] == [200] * 16
    assert refreshes(programs) == 1
    assert programs.ready().status_code == 200


def test_a_login_that_ends_is_said_and_another_mends_it_without_a_restart(programs: Running) -> None:
    assert programs.ready().status_code == 200
    programs.aws.revoke_logins(account(programs))
    refused = programs.ask()
    assert refused.status_code == 502
    assert "cwproxy login" in refused.json()["error"]["message"]
    until_ready(programs, 503)
    assert "1 without a valid login" in programs.ready().text
    assert "needs" in command("whoami", home=programs.home).out
    doctor = command("doctor", "--endpoint", programs.simulator.url, home=programs.home)
    assert doctor.code == 1
    login = command("login", "--no-browser", "--endpoint", programs.simulator.url, home=programs.home)
    assert login.code == 0
    until_ready(programs, 200)
    assert programs.ask().status_code == 200
    assert command("doctor", "--endpoint", programs.simulator.url, home=programs.home).code == 0


def test_logging_out_and_in_while_it_serves(programs: Running) -> None:
    assert programs.ask().status_code == 200
    assert command("logout", home=programs.home).code == 0
    until_ready(programs, 503)
    refused = programs.ask()
    assert refused.status_code == 502
    assert "No account is logged in" in refused.json()["error"]["message"]
    assert command("login", "--no-browser", "--endpoint", programs.simulator.url, home=programs.home).code == 0
    until_ready(programs, 200)
    assert programs.ask().status_code == 200
