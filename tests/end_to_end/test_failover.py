"""`cwproxy serve` with several accounts, each of which fails in its own way: clients are served as long as any can."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.program import Server, command, store_login, until
from tests.support.simulator import SimulatedAccount, SimulatorClient
from tests.support.waiting import SECONDS

from cwproxy.store import AccountState, Store

pytestmark = pytest.mark.end_to_end

CHAT = "/v1/chat/completions"
FAULTY = "faulty"


@dataclass(frozen=True)
class Several:
    """A proxy, or two on one store, with these accounts; the first one is the oldest. key: an operator's, if any."""

    aws: SimulatorClient
    home: Path
    proxies: tuple[Server, ...]
    accounts: tuple[SimulatedAccount, ...]
    key: str = ""

    def ask(self, *, stream: bool = False, proxy: int = 0) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
        return httpx.post(self.proxies[proxy].url + CHAT, json=body, trust_env=False, timeout=SECONDS)

    def served(self, requests: int, *, proxy: int = 0) -> None:
        for _ in range(requests):
            answer = self.ask(proxy=proxy)
            assert answer.status_code == 200, answer.text

    def calls(self) -> Counter[str | None]:
        """Chat calls that reached the backend, by account; those that were refused at the door are None's."""
        return Counter(call.account for call in self.aws.received("GenerateAssistantResponse"))

    def takes_calls(self, account: str, *, proxy: int) -> bool:
        """Whether that proxy believes it."""
        url, headers = self.proxies[proxy].url + "/admin/accounts", {"x-api-key": self.key}
        listing = httpx.get(url, headers=headers, trust_env=False, timeout=SECONDS).json()["accounts"]
        available: bool = next(each["pool"]["available"] for each in listing if each["id"] == account)
        return available

    def state(self, account: str) -> AccountState:
        with Store.open(self.home / "data") as store:
            found = store.account(account)
            assert found is not None
            return found.state


@contextmanager
def several(directory: Path, *names: str, proxies: int = 1, operated: bool = False) -> Iterator[Several]:
    """operated: with an operator's key."""
    home = directory / "home"
    with ExitStack() as stack:
        simulator = stack.enter_context(Server("simulate", "--auto-approve", "--pace", "0", home=home))
        aws = SimulatorClient(simulator.url)
        made = tuple(aws.account("builder-id", id=name) for name in names)
        for account in made:
            store_login(home, account)
        key = command("keys", "create", "operator", "--admin", home=home).out.strip() if operated else ""
        serve = ("serve", "--endpoint", simulator.url, "--port", "0")
        running = tuple(stack.enter_context(Server(*serve, home=home, cwd=directory)) for _ in range(proxies))
        yield Several(aws, home, running, made, key)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    with several(tmp_path_factory.mktemp("shared"), FAULTY, "well", "fine") as started:
        yield started


OUT = {
    "throttled": AccountState.ACTIVE,
    "monthly-402": AccountState.ACTIVE,
    "daily-429": AccountState.ACTIVE,
    "overage-400": AccountState.ACTIVE,
    "suspended": AccountState.SUSPENDED,
    "feature-not-supported": AccountState.MISCONFIGURED,
    "expired": AccountState.NEEDS_LOGIN,
}


def test_accounts_that_are_out_cost_no_client_anything(tmp_path: Path) -> None:
    with several(tmp_path, "well", *OUT, "fine") as running:
        running.served(len(OUT) + 2)
        before = running.calls()
        for state in OUT:
            running.aws.set_state(state, state)
        running.served(12)
        calls = running.calls() - before
        refused = calls[None]
        assert refused <= len(OUT) + 5, "each is found out once; a token is tried twice, a cool-down may have ended"
        until(lambda: {state: running.state(state) for state in OUT} == OUT)
        assert calls["well"] + calls["fine"] == 12


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 503}),
        ("error", {"error": "ThrottlingException", "status": 429, "reason": "INSUFFICIENT_MODEL_CAPACITY"}),
        ("rst", {}),
        ("close", {}),
        ("garbage", {}),
        ("empty", {}),
        ("eof", {"after": 0}),
        ("rst-after", {"after": 0}),
        ("truncated-frame", {"after": 0}),
        ("bad-message-crc", {"after": 0}),
        ("exception", {"after": 0, "error": "ThrottlingException"}),
    ],
)
def test_a_call_that_fails_before_content_is_made_again(shared: Several, kind: str, more: dict[str, Any]) -> None:
    shared.aws.fault(kind, **more)
    for stream in (True, False):
        answer = shared.ask(stream=stream)
        assert answer.status_code == 200, answer.text
        assert "error" not in answer.text
    assert shared.aws.status().faults == 0


@pytest.mark.parametrize("kind", ["eof", "rst-after", "truncated-frame", "bad-message-crc", "exception"])
def test_an_answer_that_is_cut_after_content_is_not_begun_again(shared: Several, kind: str) -> None:
    before = shared.calls().total()
    shared.aws.fault(kind, after=2)
    answer = shared.ask(stream=True)
    assert answer.status_code == 200
    last = [line for line in answer.text.splitlines() if line.startswith("data: ")][-1]
    assert "error" in json.loads(last.removeprefix("data: "))
    assert "[DONE]" not in answer.text
    assert shared.calls().total() == before + 1


def test_equal_accounts_carry_equal_loads_and_readiness_counts_them(tmp_path: Path) -> None:
    with several(tmp_path, FAULTY, "well", "fine") as running:

        def ready() -> tuple[int, str]:
            answer = httpx.get(running.proxies[0].url + "/health/ready", trust_env=False, timeout=SECONDS)
            return answer.status_code, answer.text

        running.served(12)
        assert set(running.calls().values()) == {4}
        assert ready()[0] == 200
        assert "3 of 3 accounts" in ready()[1]
        running.aws.set_state(FAULTY, "suspended")
        running.served(3)
        until(lambda: "2 of 3 accounts" in ready()[1])
        assert "1 suspended by AWS" in ready()[1]


@pytest.mark.parametrize(
    ("state", "status", "code", "again"),
    [
        ("monthly-402", 429, "insufficient_quota", "false"),
        ("daily-400", 429, "insufficient_quota", "false"),
        ("suspended", 502, "upstream_credentials_exhausted", "false"),
        ("expired", 502, "upstream_credentials_exhausted", "false"),
        ("throttled-credit-rate", 429, "rate_limit_exceeded", "true"),
    ],
)
def test_when_all_accounts_are_out_the_client_is_told_why(
    tmp_path: Path, state: str, status: int, code: str, again: str
) -> None:
    with several(tmp_path, "one", "two") as running:
        for account in running.accounts:
            running.aws.set_state(account.id, state)
        for _ in range(2):
            answer = running.ask()
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
            assert answer.headers["x-should-retry"] == again

        def bothers_nobody() -> bool:
            called = running.calls()
            assert running.ask().status_code == status
            return running.calls() == called

        until(bothers_nobody)  # a short cool-down may have ended meanwhile; the next is longer
        if code == "insufficient_quota":
            assert int(answer.headers["retry-after"]) > 60
        if code == "rate_limit_exceeded":
            assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_what_one_replica_finds_out_the_other_soon_knows(tmp_path: Path) -> None:
    """How soon: tests/accounts/test_sharing.py, where no time passes."""
    with several(tmp_path, FAULTY, "well", "fine", proxies=2, operated=True) as running:
        running.served(3, proxy=0)
        running.served(3, proxy=1)
        running.aws.set_state(FAULTY, "monthly-402")
        running.served(3, proxy=0)
        found = running.calls()[None]
        assert found
        until(lambda: not running.takes_calls(FAULTY, proxy=1))
        running.served(9, proxy=1)
        assert running.calls()[None] == found


def test_a_replica_that_is_killed_in_mid_stream_takes_nothing_with_it(tmp_path: Path) -> None:
    with several(tmp_path, "one", "two", proxies=2) as running:
        running.aws.turns(*[{"say": "word " * 80, "pieces": 80, "pace": 0.1}] * 6)
        with ThreadPoolExecutor(6) as threads:
            streams = [threads.submit(running.ask, stream=True, proxy=number % 2) for number in range(6)]
            until(lambda: running.aws.status().running == 6)
            running.proxies[0].send(signal.SIGKILL)
            whole = []
            for stream in streams:
                try:
                    whole.append("[DONE]" in stream.result().text)
                except httpx.TransportError:
                    whole.append(False)
        assert whole == [False, True] * 3
        assert running.proxies[0].end() == -signal.SIGKILL
        running.served(6, proxy=1)
        assert running.state("two") is AccountState.ACTIVE
        again = ("serve", "--endpoint", running.aws.url, "--port", "0")
        with Server(*again, home=running.home, environment={"PATH": os.environ["PATH"]}) as third:
            body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
            assert httpx.post(third.url + CHAT, json=body, trust_env=False, timeout=SECONDS).status_code == 200
