"""Starting and stopping `serve`. What it answers is the subject of the end-to-end tests."""

import signal
import socket
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Cli
from tests.support.program import Server, Terminal, command, store_login, until
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

HELLO = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize("surface", ["q", "codewhisperer", "kiro"])
def test_with_its_own_simulator(tmp_path: Path, surface: str) -> None:
    home, elsewhere = tmp_path / "home", {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    flags = ("--simulator", "--surface", surface, "--port", "0", "--log-level", "warning")
    with Server("serve", *flags, home=home, environment=elsewhere) as proxy:
        answer = httpx.post(f"{proxy.url}/v1/chat/completions", json=HELLO, trust_env=False, timeout=SECONDS)
        assert answer.status_code == 200
        assert "Hello" in answer.json()["choices"][0]["message"]["content"]
        assert proxy.end(signal.SIGTERM) == 0
    assert proxy.out == f"cwproxy ready on {proxy.url}\n"
    assert proxy.err.startswith("simulator ready on http://127.0.0.1:")
    assert not home.exists(), "the login of a simulator must not be among the user's"
    assert not list((tmp_path / "tmp").iterdir()), "tokens were left behind"


def test_a_simulator_brings_its_own_endpoint(cli: Cli) -> None:
    done = cli("serve", "--simulator", "--endpoint", "http://127.0.0.1:9")
    assert done.code == 2
    assert "--simulator brings its own endpoint" in done.err


def test_a_simulator_takes_no_aws_credentials(cli: Cli) -> None:
    done = cli("serve", "--simulator", "--surface", "q-iam")
    assert done.code == 2
    assert "q-iam takes AWS credentials" in done.err
    assert len(done.err.splitlines()) == 1


def test_flags_environment_and_file(aws: Simulator, tmp_path: Path) -> None:
    home = tmp_path / "home"
    store_login(home, aws.account("builder-id"))
    (home / "config.toml").write_text(f'endpoint = "{aws.url}"\nport = 1\nlog_level = "error"\n')
    with Server("serve", "--port", "0", home=home, environment={"CWPROXY_SURFACE": "codewhisperer"}) as proxy:
        assert httpx.get(f"{proxy.url}/v1/models", trust_env=False, timeout=SECONDS).status_code == 200
    assert {received.surface for received in aws.received()} == {"codewhisperer"}
    assert proxy.err == ""


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_other_names_of_loopback(tmp_path: Path, host: str) -> None:
    with Server("serve", "--host", host, "--port", "0", home=tmp_path / "home") as proxy:
        name = "[::1]" if host == "::1" else host
        assert proxy.url.startswith(f"http://{name}:")
        assert httpx.get(f"{proxy.url}/health", trust_env=False, timeout=SECONDS).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_open_address_without_a_key_is_refused(cli: Cli, host: str) -> None:
    done = cli("serve", "--host", host)
    assert done.code == 2
    assert (
        f"listening on {host} lets other machines in, so it needs an API key: run `cwproxy keys create NAME`"
        in done.err
    )


def test_an_open_address_with_a_key(tmp_path: Path) -> None:
    key = {"CWPROXY_API_KEYS": "canary-key"}
    with Server("serve", "--host", "0.0.0.0", "--port", "0", home=tmp_path / "home", environment=key) as proxy:
        url = proxy.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/v1/models", trust_env=False, timeout=SECONDS).status_code == 401
        assert httpx.get(f"{url}/health", trust_env=False, timeout=SECONDS).status_code == 200
    assert "canary-key" not in proxy.out + proxy.err


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("serve", "--port", port, home=tmp_path / "home")
    assert (done.code, done.out) == (2, "")
    assert f"error: Cannot listen on 127.0.0.1 port {port}: Address already in use" in done.err
    assert done.err.endswith("Choose another port or address.\n")
    assert "Traceback" not in done.err


def test_without_a_login_it_serves_and_warns(tmp_path: Path) -> None:
    with Server("serve", "--port", "0", home=tmp_path / "home") as proxy:
        assert "warning: No account is logged in. Run `cwproxy login`.\n" in proxy.err
        ready = httpx.get(f"{proxy.url}/health/ready", trust_env=False, timeout=SECONDS)
        assert ready.status_code == 503
        assert proxy.end(signal.SIGINT) == 0
    assert "Traceback" not in proxy.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_everything_closed(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    with Server("serve", "--port", "0", home=home) as proxy:
        assert proxy.end(number) == 0
    assert [file.name for file in (home / "data").iterdir()] == ["cwproxy.sqlite3"], "the log was not folded in"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_serves_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """The login at its own simulator takes a second, the one between two polls."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    elsewhere = {"TMPDIR": str(temporary)}
    with Terminal("serve", "--simulator", "--port", "0", home=tmp_path / "home", environment=elsewhere) as terminal:
        until(lambda: any(temporary.glob("cwproxy-*/data")))
        terminal.send(number)
        ended = terminal.end()
    assert ended == (0 if "cwproxy ready" in terminal.shown else 130)
    assert "Traceback" not in terminal.shown
    assert not list(temporary.iterdir())
