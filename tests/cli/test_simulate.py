import signal
import socket
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import Cli
from tests.support.program import Server, until
from tests.support.simulator import SimulatorClient
from tests.support.waiting import SECONDS


def test_says_where_it_is_and_how_to_use_it(tmp_path: Path) -> None:
    with Server("simulate", home=tmp_path) as simulator:
        until(lambda: simulator.out.endswith("/__control/\n"))
        assert simulator.out.splitlines() == [
            f"simulator ready on {simulator.url}",
            f"set CWPROXY_ENDPOINT={simulator.url} for every command of cwproxy (a login does not remember it); "
            "the control plane is /__control/",
        ]
        assert simulator.err == ""
        assert simulator.end(signal.SIGINT) == 0
    assert simulator.err == ""


def test_flags_become_options(tmp_path: Path) -> None:
    flags = ("--pace", "0", "--profile", "kiro-runtime", "--auto-approve", "--opt-rules", "all")
    with Server("simulate", *flags, home=tmp_path) as simulator:
        options = SimulatorClient(simulator.url).options()
        assert options["profile"] == "kiro-runtime"
        assert options["pace"] == 0
        assert options["auto_approve"] == 0
        assert options["opt_rules"]
        assert simulator.end(signal.SIGTERM) == 0


def test_a_client_that_is_still_connected_does_not_keep_it_alive(tmp_path: Path) -> None:
    with (
        Server("simulate", "--pace", "10", home=tmp_path) as simulator,
        httpx.Client(trust_env=False, timeout=SECONDS) as client,
    ):
        assert client.get(f"{simulator.url}/__control/status").status_code == 200
        assert simulator.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("rules", ["all", "", " "])
def test_a_port_in_use_is_one_sentence(cli: Cli, rules: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cli("simulate", "--port", port, "--opt-rules", rules)
    assert done.code == 2
    assert done.err == f"error: Port {port} cannot be used (Address already in use); choose another with --port.\n"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("one", "--opt-rules takes numbers separated by commas, or `all`."),
        ("9999,1", "Not optional rules: 1, 9999."),
    ],
)
def test_rules_that_are_not_optional(cli: Cli, rules: str, sentence: str) -> None:
    done = cli("simulate", "--opt-rules", rules)
    assert (done.code, done.err) == (2, f"error: {sentence}\n")
