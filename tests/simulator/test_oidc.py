"""The parts of the login that boto3 would not let through; the rest is in tests/contract/test_boto3_oidc.py."""

from typing import Any

import httpx
import pytest
from tests.support.simulator import Simulator

REGISTRATION = {"clientName": "t", "clientType": "public", "scopes": ["codewhisperer:conversations"]}
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def register(http: httpx.Client, **more: Any) -> dict[str, Any]:
    made = http.post("/client/register", json={**REGISTRATION, **more}).json()
    return {"clientId": made["clientId"], "clientSecret": made["clientSecret"]}


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b"clientName=x", b"[" * 100_000])
@pytest.mark.parametrize("path", ["/client/register", "/device_authorization", "/token", "/refreshToken"])
def test_bodies_that_are_no_object(http: httpx.Client, path: str, body: bytes) -> None:
    response = http.post(path, content=body)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert response.headers["x-amzn-errortype"] == "InvalidRequestException"
    assert response.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"clientName": ""}, "invalid_request"),
        ({"clientName": 3}, "invalid_request"),
        ({"scopes": "codewhisperer:conversations"}, "invalid_request"),
        ({"scopes": [1]}, "invalid_request"),
        ({"scopes": ["openid"]}, "invalid_scope"),
        ({"grantTypes": ["password"]}, "unsupported_grant_type"),
        ({"clientType": "confidential"}, "invalid_client_metadata"),
    ],
)
def test_registrations_that_are_refused(http: httpx.Client, change: dict[str, Any], error: str) -> None:
    response = http.post("/client/register", json={**REGISTRATION, **change})
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_secrets_and_codes_are_needed(http: httpx.Client) -> None:
    client = register(http)
    assert http.post("/device_authorization", json=client).json()["error"] == "invalid_request"
    assert http.post("/token", json={**client, "grantType": DEVICE_CODE}).json()["error"] == "invalid_request"
    assert http.post("/token", json={**client, "grantType": "refresh_token"}).json()["error"] == "invalid_request"
    assert http.post("/token", json=client).json()["error"] == "invalid_request"


def test_a_client_may_use_the_grant_types_it_registered_for(http: httpx.Client) -> None:
    client = register(http, grantTypes=["authorization_code", "refresh_token"])
    poll = http.post("/token", json={**client, "grantType": DEVICE_CODE, "deviceCode": "x"})
    assert poll.json()["error"] == "unauthorized_client"
    refresh = http.post("/token", json={**client, "grantType": "refresh_token", "refreshToken": "x"})
    assert refresh.json()["error"] == "invalid_grant"


def test_the_interval_is_told_in_whole_seconds(aws: Simulator, http: httpx.Client) -> None:
    aws.options(poll_interval=0.05)
    client = register(http)
    device = http.post("/device_authorization", json={**client, "startUrl": "https://view.awsapps.com/start"}).json()
    assert device["interval"] == 1
    assert device["verificationUri"] == f"{aws.url}/device"


def test_social_tokens_are_refreshed_at_their_own_address(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    first = http.post("/refreshToken", json={"refreshToken": account.refresh_token})
    assert first.status_code == 200
    assert first.json()["profileArn"] == account.profile_arn
    assert first.json()["expiresIn"] == 3600
    again = http.post("/refreshToken", json={"refreshToken": account.refresh_token})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert again.json()["error_description"] == "Invalid refresh token provided"
    other = aws.account("social").refresh_token
    wrong_place = http.post("/token", json={**register(http), "grantType": "refresh_token", "refreshToken": other})
    assert wrong_place.json()["error"] == "invalid_grant"


def test_an_answer_that_is_lost_has_spent_the_token(aws: Simulator, http: httpx.Client) -> None:
    account = aws.account("social")
    aws.fault("lost-answer", scope="oidc")
    with pytest.raises(httpx.ReadError):
        http.post("/refreshToken", json={"refreshToken": account.refresh_token})
    assert http.post("/refreshToken", json={"refreshToken": account.refresh_token}).status_code == 400


def test_a_made_up_error_code_is_a_plain_refusal(aws: Simulator, http: httpx.Client) -> None:
    aws.fault("error", scope="oidc", error="teapot", message="short and stout")
    response = http.post("/token", json={})
    assert (response.status_code, response.json()["error"]) == (400, "teapot")


def test_a_whole_login_and_its_refresh(aws: Simulator, http: httpx.Client) -> None:
    aws.options(auto_approve=0, rotate_refresh_tokens=False)
    client = register(http)
    start = {**client, "startUrl": "https://d-1.awsapps.com/start"}
    device = http.post("/eu-west-1/device_authorization", json=start).json()
    poll = {**client, "grantType": DEVICE_CODE, "deviceCode": device["deviceCode"]}
    tokens = http.post("/eu-west-1/token", json=poll).json()
    refresh = {**client, "grantType": "refresh_token", "refreshToken": tokens["refreshToken"]}
    assert "refreshToken" not in http.post("/eu-west-1/token", json=refresh).json()
    wider = {**refresh, "scope": ["codewhisperer:analysis"]}
    assert http.post("/token", json=wider).json()["error"] == "invalid_scope"
    code = {**client, "grantType": "authorization_code", "code": "x"}
    assert http.post("/token", json=code).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(
    ("path", "start_url"),
    [("", "http://insecure.example"), ("/eu-west-1", "https://view.awsapps.com/start")],
)
def test_start_urls_that_lead_nowhere(http: httpx.Client, path: str, start_url: str) -> None:
    response = http.post(f"{path}/device_authorization", json={**register(http), "startUrl": start_url})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
