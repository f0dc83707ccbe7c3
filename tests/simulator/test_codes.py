import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from cwproxy.simulator.clock import Clock
from cwproxy.simulator.codes import Codes, is_loopback
from cwproxy.simulator.grants import GrantError
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.simulation import Simulation

REDIRECT = "http://127.0.0.1:4711/oauth/callback"
VERIFIER = "v" * 43
QUERY = {
    "redirect_uri": REDIRECT,
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode(),
    "code_challenge_method": "S256",
    "state": "s",
}


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(SimulatorOptions(), Clock())


@pytest.fixture
def codes(simulation: Simulation) -> Codes:
    return simulation.codes


def code_of(codes: Codes) -> str:
    login = codes.ask(QUERY, client=None, provider="Google", region=None)
    return parse_qs(urlsplit(codes.approve(login)).query)["code"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": ""},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
        {"state": ""},
    ],
)
def test_a_login_needs_a_place_a_challenge_and_a_state(codes: Codes, changes: dict[str, str]) -> None:
    with pytest.raises(GrantError):
        codes.ask({**QUERY, **changes}, client=None, provider="Google", region=None)


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        (REDIRECT, True),
        ("http://localhost:1/", True),
        ("http://127.0.0.1/", False),
        ("http://127.0.0.1:x/", False),
        ("http://[::1", False),
        ("http://127.0.0.1:1/#f", False),
        ("https://127.0.0.1:1/", False),
    ],
)
def test_the_place_is_on_the_persons_own_machine(uri: str, fits: bool) -> None:
    assert is_loopback(uri) is fits


def test_a_code_is_exchanged_once_and_then_ends_what_it_brought(simulation: Simulation, codes: Codes) -> None:
    code = code_of(codes)
    tokens = codes.exchange(code, client=None, verifier=VERIFIER, redirect_uri=REDIRECT)
    now = simulation.clock.now()
    assert simulation.accounts.by_token(tokens.access_token, now=now) is tokens.account
    assert (tokens.account.kind, tokens.account.provider) == ("social", "Google")
    with pytest.raises(GrantError):
        codes.exchange(code, client=None, verifier=VERIFIER, redirect_uri=REDIRECT)
    assert simulation.accounts.by_token(tokens.access_token, now=now) is None


def test_a_code_is_of_one_client_one_place_one_verifier_and_five_minutes(simulation: Simulation, codes: Codes) -> None:
    client = simulation.grants.register("x", (), ("authorization_code",), None)
    with pytest.raises(GrantError):
        codes.exchange(code_of(codes), client=client, verifier=VERIFIER, redirect_uri=REDIRECT)
    for verifier, redirect in (("w" * 43, REDIRECT), ("short", REDIRECT), (VERIFIER, "http://127.0.0.1:1/")):
        code = code_of(codes)
        for given in ((verifier, redirect), (VERIFIER, REDIRECT)):
            with pytest.raises(GrantError):
                codes.exchange(code, client=None, verifier=given[0], redirect_uri=given[1])
    code = code_of(codes)
    simulation.clock.advance(301)
    with pytest.raises(GrantError):
        codes.exchange(code, client=None, verifier=VERIFIER, redirect_uri=REDIRECT)


def test_a_decision_is_made_once_and_in_time(simulation: Simulation, codes: Codes) -> None:
    login = codes.ask(QUERY, client=None, provider="Github", region=None)
    assert codes.waiting(login.number) is login
    assert codes.deny(login) == f"{REDIRECT}?error=access_denied&state=s"
    assert codes.waiting(login.number) is None
    other = codes.ask(QUERY, client=None, provider="Github", region=None)
    simulation.clock.advance(301)
    assert codes.waiting(other.number) is None
