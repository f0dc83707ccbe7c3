from typing import Any

import httpx
import pytest
from tests.support.simulator import Simulator, SimulatorClient
from tests.support.wire_requests import chat

from cwproxy.simulator.control import answer
from cwproxy.simulator.options import SimulatorOptions
from cwproxy.simulator.request import Request
from cwproxy.simulator.simulation import Simulation


def post(http: httpx.Client, name: str, members: object) -> httpx.Response:
    return http.post(f"/__control/{name}", json=members)


def test_everything_over_http(aws: Simulator) -> None:
    client = SimulatorClient(aws.url)
    account = client.account("identity-center", id="me", region="eu-west-1", start_url="https://d-1.awsapps.com/start")
    assert client.accounts()[0]["id"] == account.id == "me"
    client.say("hello")
    client.fault("rst", count=3)
    assert client.options(pace=0.5)["pace"] == 0.5
    before = client.status().now
    client.advance(100)
    status = client.status()
    assert (status.turns, status.faults, status.running) == (1, 3, 0)
    assert status.now >= before + 100
    client.reset()
    assert (client.accounts(), client.status().faults, client.received()) == ([], 0, [])
    with pytest.raises(ValueError, match="kind is one of"):
        client.fault("gremlins")


@pytest.mark.parametrize(
    ("name", "members", "complaint"),
    [
        ("accounts", {"kind": "root"}, "kind is one of builder-id"),
        ("accounts", {"kind": "iam", "models": ["gpt-2"]}, "models is a list of"),
        ("accounts", {"kind": "iam", "models": "auto"}, "models is a list of"),
        ("accounts", {"kind": "iam", "state": "sleepy"}, "a state is one of expired"),
        ("accounts", {"kind": "social", "profileArns": 3}, "not iterable"),
        ("accounts/nobody", {}, "no account 'nobody'"),
        ("turns", {}, "turns is a list"),
        ("turns", {"turns": [3]}, "a turn is a JSON object"),
        ("options", {"speed": 3}, "no option 'speed'"),
        ("clock", {"seconds": "x"}, "could not convert"),
        ("next-login", {"account": "nobody"}, "id of an account"),
        ("approve", {"userCode": "XXXX-XXXX"}, "pending login"),
        ("faults", [], "the body is a JSON object"),
    ],
)
def test_requests_without_sense_are_explained(http: httpx.Client, name: str, members: object, complaint: str) -> None:
    response = post(http, name, members)
    assert response.status_code == 400
    assert complaint in response.json()["error"]


def test_unknown_calls_and_broken_json(http: httpx.Client) -> None:
    assert post(http, "nothing", {}).status_code == 404
    assert http.get("/__control/nothing").status_code == 400
    assert http.post("/__control/reset", content=b"{").status_code == 400
    assert http.post("/__control/reset").status_code == 200


def test_only_loopback_peers_steer() -> None:
    for peer, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.1", 403), ("2001:db8::1", 403)):
        request = Request("GET", "/__control/status", "/", "", {}, b"", None, peer, 1)
        assert answer(Simulation(SimulatorOptions()), request).status == status


def test_a_simulator_without_a_socket_cannot_stop_listening() -> None:
    for name in ("listening", "black-hole"):
        request = Request("POST", f"/__control/{name}", "/", "", {}, b"{}", None, "127.0.0.1", 1)
        assert answer(Simulation(SimulatorOptions()), request).status == 400


def test_changing_an_account(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    aws.set_state(account, "throttled")
    aws.set_models(account.id, ["auto"])
    aws.set_model_states(account, {"auto": "capacity-503"})
    wrongs: list[Any] = [{"auto": "suspended"}, {"auto": "expired"}, {"gpt-4o": "capacity-503"}, [], {"auto": []}]
    for wrong in wrongs:
        assert post(http, f"accounts/{account.id}", {"modelStates": wrong}).status_code == 400
    assert aws.accounts()[0]["modelStates"] == {"auto": "capacity-503"}
    changed = post(http, f"accounts/{account.id}", {"profileArns": [], "revokeLogins": True}).json()
    assert (changed["state"], changed["profileArns"]) == ("throttled", [])
    refreshed = http.post("/refreshToken", json={"refreshToken": account.refresh_token})
    assert refreshed.json()["error"] == "invalid_grant"
    aws.revoke_logins(account)


def device(http: httpx.Client) -> tuple[dict[str, Any], dict[str, Any]]:
    made = http.post("/client/register", json={"clientName": "t", "clientType": "public"}).json()
    client = {"clientId": made["clientId"], "clientSecret": made["clientSecret"]}
    start = {**client, "startUrl": "https://d-1.awsapps.com/start"}
    return client, http.post("/device_authorization", json=start).json()


def test_logins_can_be_decided_for_a_person(aws: Simulator, http: httpx.Client) -> None:
    client, grant = device(http)
    account = aws.account("identity-center", id="second person")
    aws.next_login(account)
    aws.approve(grant["userCode"])
    poll = {
        **client,
        "grantType": "urn:ietf:params:oauth:grant-type:device_code",
        "deviceCode": grant["deviceCode"],
    }
    assert http.post("/token", json=poll).status_code == 200
    _, other = device(http)
    aws.deny(other["userCode"])
    assert [(one["decision"], one["polls"]) for one in aws.devices()] == [("approved", 1), ("denied", 0)]
    assert len(aws.accounts()) == 1


def test_what_was_received_keeps_its_secrets(aws: Simulator, http: httpx.Client) -> None:
    http.get("/getUsageLimits", headers={"authorization": "Bearer aoaSecret"})
    device(http)
    masked, *logins = aws.received()
    assert masked.headers["authorization"] == "(masked)"
    assert {login.body for login in logins} == {"(masked)"}
    assert aws.received(secrets=True)[0].headers["authorization"] == "Bearer aoaSecret"
    assert [login.json["clientName"] for login in aws.received("/client/register", secrets=True)] == ["t"]


def test_faults_end_when_they_are_told_to(aws: Simulator, http: httpx.Client) -> None:
    aws.fault("status", count=5)
    aws.calm()
    assert aws.status().faults == 0
    assert chat(http, aws.account("builder-id").token).status_code == 200
