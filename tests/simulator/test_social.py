from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.simulator.test_codes import QUERY, REDIRECT, VERIFIER
from tests.support.simulator import Simulator


def start(http: httpx.Client, provider: str = "Google") -> dict[str, object]:
    answer = http.post("/oauth/device/authorization", json={"clientId": "kiro-cli", "loginProvider": provider})
    document: dict[str, object] = answer.json()
    return document


def poll(http: httpx.Client, device_code: object) -> dict[str, object]:
    answer = http.post("/oauth/device/poll", json={"clientId": "kiro-cli", "deviceCode": device_code})
    document: dict[str, object] = answer.json()
    return document


def test_a_device_login(aws: Simulator, http: httpx.Client) -> None:
    device = start(http, "Github")
    assert (device["intervalInMilliseconds"], device["expiresInMilliseconds"]) == (1000, 600_000)
    assert "Github" in http.get(str(device["verificationUriComplete"])).text
    assert poll(http, device["deviceCode"]) == {"status": "PENDING"}
    assert poll(http, device["deviceCode"]) == {"status": "SLOW_DOWN"}
    aws.approve(str(device["userCode"]))
    aws.advance(10)
    tokens = poll(http, device["deviceCode"])
    assert (tokens["status"], tokens["identityProvider"]) == ("COMPLETE", "Github")
    (account,) = aws.accounts()
    assert (account["kind"], account["provider"]) == ("social", "Github")
    assert [tokens["profileArn"]] == account["profileArns"]
    assert poll(http, device["deviceCode"])["error"] == "invalid_grant"


def test_a_device_login_that_comes_to_nothing(aws: Simulator, http: httpx.Client) -> None:
    denied, late = start(http), start(http)
    aws.deny(str(denied["userCode"]))
    assert poll(http, denied["deviceCode"]) == {"status": "DENIED"}
    aws.advance(601)
    assert poll(http, late["deviceCode"]) == {"status": "EXPIRED"}


def test_a_login_in_the_browser_and_its_refreshes(aws: Simulator, http: httpx.Client) -> None:
    aws.options(auto_approve=0)
    back = http.get("/us-east-1/login", params={**QUERY, "idp": "Google"}).headers["location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    members = {"code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT}
    tokens = http.post("/us-east-1/oauth/token", json=members).json()
    assert set(tokens) == {"accessToken", "refreshToken", "expiresIn", "profileArn"}
    elsewhere = http.post("/eu-central-1/refreshToken", json={"refreshToken": tokens["refreshToken"]})
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_grant")
    second = http.post("/us-east-1/refreshToken", json={"refreshToken": tokens["refreshToken"]}).json()
    assert second["profileArn"] == tokens["profileArn"]
    for spent in (tokens, second):  # the first comes again, and takes the whole family with it
        again = http.post("/us-east-1/refreshToken", json={"refreshToken": spent["refreshToken"]})
        assert again.json() == {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}


def test_the_next_login_of_a_provider_is_the_same_account(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social", provider="Github")
    aws.approve(str(start(http, "Github")["userCode"]))
    aws.approve(str(start(http, "Google")["userCode"]))
    assert [(made["id"] == account.id, made["provider"]) for made in aws.accounts()] == [
        (True, "Github"),
        (False, "Google"),
    ]


@pytest.mark.parametrize(
    ("path", "members", "error"),
    [
        ("/oauth/device/authorization", {"clientId": "else", "loginProvider": "Google"}, "invalid_client"),
        ("/oauth/device/authorization", {"clientId": "kiro-cli", "loginProvider": "Myspace"}, "invalid_request"),
        ("/oauth/device/poll", {"clientId": "else", "deviceCode": "x"}, "invalid_client"),
        ("/oauth/device/poll", {"clientId": "kiro-cli", "deviceCode": "x"}, "invalid_grant"),
        ("/oauth/token", {"code": "x", "code_verifier": VERIFIER, "redirect_uri": REDIRECT}, "invalid_grant"),
        ("/oauth/token", {"code": "x"}, "invalid_request"),
        ("/refreshToken", {}, "invalid_request"),
    ],
)
def test_requests_that_make_no_sense(http: httpx.Client, path: str, members: dict[str, str], error: str) -> None:
    assert http.post(path, json=members).json()["error"] == error


def test_what_came_in_is_masked(aws: Simulator, http: httpx.Client) -> None:
    http.post("/refreshToken", json={"refreshToken": "canary"})
    http.post("/oauth/token", json={"code": "canary"})
    http.post("/oauth/device/poll", json={"deviceCode": "canary"})
    assert {received.body for received in aws.received()} == {"(masked)"}


def test_the_lifetime_of_what_was_refreshed_may_be_anything(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    aws.fault("expires-in", scope="oidc", value="soon")
    refreshed = http.post("/refreshToken", json={"refreshToken": account.refresh_token}).json()
    assert refreshed["expiresIn"] == "soon"
    assert http.post("/refreshToken", json={"refreshToken": refreshed["refreshToken"]}).json()["expiresIn"] == 3600
