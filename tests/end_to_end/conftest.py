"""Three programs as a user starts them: `cwproxy simulate`, `cwproxy login`, `cwproxy serve`.

The proxy asks for a key, so that callers can be told apart. All tests of a process share them; a test that ends a
program or changes its login starts its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest
from tests.support.program import Server, command, store_login
from tests.support.simulator import SimulatorClient
from tests.support.waiting import SECONDS

KEY, OTHER_KEY = "cwp_canary-key-number-one", "cwp_canary-key-number-two"


@dataclass(frozen=True)
class Running:
    """aws steers the simulator. home: `CWPROXY_HOME` of the proxy. environment: what it was started with."""

    aws: SimulatorClient
    simulator: Server
    proxy: Server
    home: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.proxy.url

    def http(self, key: str = KEY) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=SECONDS)

    def client(self, key: str = KEY) -> openai.OpenAI:
        http = openai.DefaultHttpxClient(trust_env=False)
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, http_client=http)

    def ask(self, text: str = "Hello", *, key: str = KEY, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One plain answer."""
        body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
        with self.http(key) as client:
            return client.post("/v1/chat/completions", json=body, headers=headers)

    def ready(self) -> httpx.Response:
        return httpx.get(f"{self.url}/health/ready", trust_env=False, timeout=SECONDS)


@contextmanager
def running(directory: Path, *, by_hand: bool = True, **environment: str) -> Iterator[Running]:
    """Programs of one's own. by_hand: log in with `cwproxy login`, else put an account into the store, which takes
    two seconds less and cannot be renewed. environment: further variables for the proxy.
    """
    home = directory / "home"
    settings = {"CWPROXY_API_KEYS": f"{KEY},{OTHER_KEY}", **environment}
    with Server("simulate", "--auto-approve", "--pace", "0", home=home) as simulator:
        aws = SimulatorClient(simulator.url)
        if by_hand:
            login = command("login", "--no-browser", "--endpoint", simulator.url, home=home)
            assert login.code == 0, login.err
        else:
            store_login(home, aws.account("builder-id"))
        serve = ("serve", "--endpoint", simulator.url, "--port", "0")
        with Server(*serve, home=home, environment=settings, cwd=directory) as proxy:
            yield Running(aws, simulator, proxy, home, settings)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("programs")) as started:
        yield started
