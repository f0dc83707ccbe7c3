"""AWS's own Python client against the simulator's login: it must see AWS there, classes of errors included."""

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS

from cwproxy.simulator.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sso_oidc import SSOOIDCClient
    from mypy_boto3_sso_oidc.type_defs import CreateTokenResponseTypeDef

pytestmark = pytest.mark.contract

BUILDER_ID = "https://view.awsapps.com/start"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def aws() -> Iterator[Simulator]:
    """Its clock stands still: who polls twice without moving it is too fast on any machine."""
    now = time.time()
    with Simulator(clock=Clock(lambda: now)) as simulator:
        yield simulator


def oidc(url: str) -> "closing[SSOOIDCClient]":
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    client: SSOOIDCClient = boto3.client("sso-oidc", region_name="us-east-1", endpoint_url=url, config=config)
    return closing(client)


@pytest.fixture
def client(aws: Simulator) -> Iterator["SSOOIDCClient"]:
    with oidc(aws.url) as client:
        yield client


def body(error: ClientError) -> dict[str, object]:
    """The members of the answer beside those that botocore knows."""
    return dict(error.response)


def registered(client: "SSOOIDCClient", **more: Any) -> dict[str, str]:
    answer = client.register_client(
        clientName="test", clientType="public", scopes=["codewhisperer:conversations"], **more
    )
    assert answer["clientSecretExpiresAt"] - answer["clientIdIssuedAt"] == 90 * 86400
    return {"clientId": answer["clientId"], "clientSecret": answer["clientSecret"]}


def logged_in(client: "SSOOIDCClient", aws: Simulator) -> tuple[dict[str, str], str]:
    """The registration and a refresh token."""
    registration = registered(client)
    device = client.start_device_authorization(**registration, startUrl=BUILDER_ID)
    aws.approve(device["userCode"])
    answer = client.create_token(**registration, grantType=DEVICE_CODE, deviceCode=device["deviceCode"])
    return registration, answer["refreshToken"]


def test_device_flow_from_registration_to_token(aws: Simulator, client: "SSOOIDCClient") -> None:
    registration = registered(client)
    device = client.start_device_authorization(**registration, startUrl=BUILDER_ID)
    assert device["verificationUriComplete"] == f"{device['verificationUri']}?user_code={device['userCode']}"
    assert (device["expiresIn"], device["interval"]) == (600, 1)
    poll = {**registration, "grantType": DEVICE_CODE, "deviceCode": device["deviceCode"]}
    with pytest.raises(client.exceptions.AuthorizationPendingException) as pending:
        client.create_token(**poll)
    assert body(pending.value)["error"] == "authorization_pending"
    with pytest.raises(client.exceptions.SlowDownException):
        client.create_token(**poll)
    aws.advance(6)
    aws.approve(device["userCode"])
    answer = client.create_token(**poll)
    assert answer["tokenType"] == "Bearer"
    assert answer["expiresIn"] == 3600
    assert answer["accessToken"].startswith("aoa")
    assert answer["refreshToken"].startswith("aor")
    assert [account["kind"] for account in aws.accounts()] == ["builder-id"]


def test_denied_and_expired_logins(aws: Simulator, client: "SSOOIDCClient") -> None:
    registration = registered(client)
    denied = client.start_device_authorization(**registration, startUrl=BUILDER_ID)
    aws.deny(denied["userCode"])
    with pytest.raises(client.exceptions.AccessDeniedException) as refusal:
        client.create_token(**registration, grantType=DEVICE_CODE, deviceCode=denied["deviceCode"])
    assert body(refusal.value)["error"] == "access_denied"
    late = client.start_device_authorization(**registration, startUrl=BUILDER_ID)
    aws.advance(601)
    with pytest.raises(client.exceptions.ExpiredTokenException):
        client.create_token(**registration, grantType=DEVICE_CODE, deviceCode=late["deviceCode"])


def test_refresh_rotates_and_a_spent_token_kills_the_family(aws: Simulator, client: "SSOOIDCClient") -> None:
    registration, first = logged_in(client, aws)
    renewed = client.create_token(**registration, grantType="refresh_token", refreshToken=first)
    second = renewed["refreshToken"]
    assert second != first
    with pytest.raises(client.exceptions.InvalidGrantException):
        client.create_token(**registration, grantType="refresh_token", refreshToken=first)
    with pytest.raises(client.exceptions.InvalidGrantException):
        client.create_token(**registration, grantType="refresh_token", refreshToken=second)


def test_without_rotation_the_answer_has_no_refresh_token(aws: Simulator, client: "SSOOIDCClient") -> None:
    registration, token = logged_in(client, aws)
    aws.options(rotate_refresh_tokens=False)
    for _ in range(2):
        answer = client.create_token(**registration, grantType="refresh_token", refreshToken=token)
        assert "refreshToken" not in answer


def test_a_login_belongs_to_its_region(aws: Simulator) -> None:
    with oidc(f"{aws.url}/us-east-1") as here, oidc(f"{aws.url}/eu-central-1") as elsewhere:
        registration, token = logged_in(here, aws)
        with pytest.raises(elsewhere.exceptions.InvalidClientException):
            elsewhere.create_token(**registration, grantType="refresh_token", refreshToken=token)
        with pytest.raises(elsewhere.exceptions.InvalidRequestException):
            elsewhere.start_device_authorization(**registered(elsewhere), startUrl=BUILDER_ID)


def test_an_unknown_secret_or_an_expired_registration_is_invalid_client_401(
    aws: Simulator, client: "SSOOIDCClient"
) -> None:
    registration = registered(client)
    with pytest.raises(client.exceptions.InvalidClientException) as wrong:
        client.start_device_authorization(**{**registration, "clientSecret": "guess"}, startUrl=BUILDER_ID)
    assert wrong.value.response["ResponseMetadata"]["HTTPStatusCode"] == 401
    aws.advance(91 * 86400)
    with pytest.raises(client.exceptions.InvalidClientException):
        client.start_device_authorization(**registration, startUrl=BUILDER_ID)


REDIRECT = "http://127.0.0.1:4711/oauth/callback"
VERIFIER = "v" * 43


def browsed(aws: Simulator, registration: dict[str, str], **changes: str) -> str:
    """The code that a browser brings back when the person agrees."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": registration["clientId"],
        "redirect_uri": REDIRECT,
        "scopes": "codewhisperer:conversations",
        "state": "s",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **changes,
    }
    aws.options(auto_approve=0)
    answer = httpx.get(f"{aws.url}/authorize", params=query, trust_env=False, timeout=SECONDS)
    assert answer.status_code == 302, answer.text
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert returned["state"] == ["s"]
    return returned["code"][0]


def test_a_login_in_the_browser(client: "SSOOIDCClient", aws: Simulator) -> None:
    exceptions = client.exceptions
    ways: dict[str, Any] = {"redirectUris": [REDIRECT], "issuerUrl": BUILDER_ID}
    with pytest.raises(exceptions.InvalidRedirectUriException):
        registered(client, redirectUris=["https://evil.example/"], issuerUrl=BUILDER_ID)
    registration = registered(client, grantTypes=["authorization_code", "refresh_token"], **ways)

    def exchange(code: str, **changes: str) -> "CreateTokenResponseTypeDef":
        members = {"code": code, "codeVerifier": VERIFIER, "redirectUri": REDIRECT, **changes}
        return client.create_token(**registration, grantType="authorization_code", **members)

    for wrong in ({"codeVerifier": "w" * 43}, {"redirectUri": REDIRECT + "/"}):
        code = browsed(aws, registration)
        for changes in (wrong, {}):  # what was tried in vain is gone
            with pytest.raises(exceptions.InvalidGrantException):
                exchange(code, **changes)
    code = browsed(aws, registration)
    tokens = exchange(code)
    refreshed = client.create_token(**registration, grantType="refresh_token", refreshToken=tokens["refreshToken"])
    assert refreshed["accessToken"] != tokens["accessToken"]
    with pytest.raises(exceptions.InvalidGrantException):
        exchange(code)
    with pytest.raises(exceptions.InvalidGrantException):  # a code that comes again ends what it brought
        client.create_token(**registration, grantType="refresh_token", refreshToken=refreshed["refreshToken"])
    with pytest.raises(exceptions.UnauthorizedClientException):
        client.start_device_authorization(**registration, startUrl=BUILDER_ID)


def test_requests_that_make_no_sense(client: "SSOOIDCClient") -> None:
    exceptions = client.exceptions
    with pytest.raises(exceptions.InvalidScopeException):
        client.register_client(clientName="test", clientType="public", scopes=["everything"])
    with pytest.raises(exceptions.InvalidClientMetadataException):
        client.register_client(clientName="test", clientType="confidential")
    registration = registered(client)
    with pytest.raises(exceptions.InvalidRequestException) as refusal:
        client.start_device_authorization(**registration, startUrl="not a url")
    assert body(refusal.value)["error"] == "invalid_request"
    with pytest.raises(exceptions.UnsupportedGrantTypeException):
        client.create_token(**registration, grantType="password")
    with pytest.raises(exceptions.UnauthorizedClientException):
        client.create_token(**registration, grantType="authorization_code", code="x")
    with pytest.raises(exceptions.InvalidGrantException):
        client.create_token(**registration, grantType=DEVICE_CODE, deviceCode="unknown")
    with pytest.raises(exceptions.InvalidScopeException):
        client.create_token(
            **registration, grantType="refresh_token", refreshToken="x", scope=["codewhisperer:analysis"]
        )
    restricted = registered(client, grantTypes=["authorization_code"])
    with pytest.raises(exceptions.UnauthorizedClientException):
        client.start_device_authorization(**restricted, startUrl=BUILDER_ID)


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [
        ("authorization_pending", "AuthorizationPendingException", 400),
        ("slow_down", "SlowDownException", 400),
        ("expired_token", "ExpiredTokenException", 400),
        ("invalid_grant", "InvalidGrantException", 400),
        ("unauthorized_client", "UnauthorizedClientException", 400),
        ("unsupported_grant_type", "UnsupportedGrantTypeException", 400),
        ("invalid_scope", "InvalidScopeException", 400),
        ("invalid_request", "InvalidRequestException", 400),
        ("access_denied", "AccessDeniedException", 400),
        ("invalid_client", "InvalidClientException", 401),
        ("server_error", "InternalServerException", 500),
    ],
)
def test_every_class_of_error(aws: Simulator, client: "SSOOIDCClient", code: str, name: str, status: int) -> None:
    aws.fault("error", scope="oidc", error=code, message="as told")
    registration = {"clientId": "a", "clientSecret": "b"}
    with pytest.raises(getattr(client.exceptions, name)) as refusal:
        client.create_token(**registration, grantType="refresh_token", refreshToken="x")
    assert body(refusal.value)["error"] == code
    assert body(refusal.value)["error_description"] == "as told"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_errors_of_no_class_stay_plain(aws: Simulator, client: "SSOOIDCClient") -> None:
    aws.fault("status", scope="oidc", status=503, body="<html>")
    with pytest.raises(ClientError) as refusal:
        registered(client)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
