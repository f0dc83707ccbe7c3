import json
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.web_server import Reply, WebServer

from cwproxy.auth.grants import DeviceAuthorization, Grant, Reason, Refusal
from cwproxy.auth.social import Provider, Social
from cwproxy.auth.web import Web
from cwproxy.errors import SettingsError

pytestmark = pytest.mark.anyio

TOKENS = {"accessToken": "a", "refreshToken": "r", "expiresIn": 1800, "profileArn": "arn:x"}


@pytest.fixture
def social(web: Web, service: WebServer) -> Social:
    return Social("us-east-1", web, endpoint=service.url + "/{region}")


def test_the_page_is_at_the_service_of_the_region() -> None:
    page = Social("eu-central-1", Web()).page(
        Provider.GITHUB, redirect_uri="http://127.0.0.1:1/oauth/callback", challenge="c", state="s"
    )
    parts = urlsplit(page)
    assert (parts.netloc, parts.path) == ("prod.eu-central-1.auth.desktop.kiro.dev", "/login")
    assert parse_qs(parts.query) == {
        "idp": ["Github"],
        "redirect_uri": ["http://127.0.0.1:1/oauth/callback"],
        "code_challenge": ["c"],
        "code_challenge_method": ["S256"],
        "state": ["s"],
    }


@pytest.mark.parametrize("region", ["", "us-east-1.evil.example/", "evil.example#", "US-EAST-1"])
def test_a_region_is_no_other_host(region: str) -> None:
    with pytest.raises(SettingsError):
        Social(region, Web())


async def test_a_code_becomes_tokens(social: Social, service: WebServer) -> None:
    service.script.append(Reply(body=TOKENS))
    assert await social.exchange("code", verifier="v", redirect_uri="u") == Grant("a", "r", 1800.0, "arn:x")
    (asked,) = service.asked
    assert asked.path == "/us-east-1/oauth/token"
    assert json.loads(asked.body) == {"code": "code", "code_verifier": "v", "redirect_uri": "u"}
    assert asked.headers["user-agent"].startswith("cwproxy/")


async def test_a_device_login(social: Social, service: WebServer) -> None:
    started = {"deviceCode": "d", "userCode": "AB-CD", "verificationUri": "https://x/", "intervalInMilliseconds": 2500}
    service.script.append(Reply(body={**started, "verificationUriComplete": "https://x/?c=AB-CD"}))
    service.script.append(Reply(body={**started, "expiresInMilliseconds": 1}))
    assert await social.start_device(Provider.GOOGLE) == DeviceAuthorization(
        "d", "AB-CD", "https://x/", "https://x/?c=AB-CD", 600.0, 2.5
    )
    assert await social.start_device(Provider.GOOGLE) == DeviceAuthorization(
        "d", "AB-CD", "https://x/", "https://x/", 60.0, 2.5
    )
    assert json.loads(service.asked[0].body) == {"clientId": "kiro-cli", "loginProvider": "Google"}


async def test_a_device_login_that_is_not_started(social: Social, service: WebServer) -> None:
    service.script.extend([Reply(body={"deviceCode": "d"}), Reply(503)])
    for _ in range(2):
        refusal = await social.start_device(Provider.GOOGLE)
        assert isinstance(refusal, Refusal) and refusal.reason is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body={"status": "AUTHORIZATION_PENDING"}), Reason.AUTHORIZATION_PENDING),
        (Reply(body={"status": "pending"}), Reason.AUTHORIZATION_PENDING),
        (Reply(body={"status": "slow_down"}), Reason.SLOW_DOWN),
        (Reply(body={"status": "expired"}), Reason.EXPIRED),
        (Reply(body={"status": "access denied"}), Reason.DENIED),
        (Reply(body={"status": "rejected"}), Reason.DENIED),
        (Reply(body={"status": 7}), Reason.UNAVAILABLE),
        (Reply(400, {"error": "authorization_pending"}), Reason.AUTHORIZATION_PENDING),
    ],
)
async def test_a_poll_that_brings_no_tokens(social: Social, service: WebServer, reply: Reply, reason: Reason) -> None:
    service.script.append(reply)
    refusal = await social.poll("d")
    assert isinstance(refusal, Refusal) and refusal.reason is reason


async def test_a_poll_that_brings_them(social: Social, service: WebServer) -> None:
    service.script.append(Reply(body={"status": "complete", "identityProvider": "Google", **TOKENS}))
    assert await social.poll("d") == Grant("a", "r", 1800.0, "arn:x")
    assert json.loads(service.asked[0].body) == {"clientId": "kiro-cli", "deviceCode": "d"}


async def test_a_refresh(social: Social, service: WebServer) -> None:
    service.script.append(Reply(body=TOKENS))
    service.script.append(Reply(400, {"error": "invalid_grant", "error_description": "canary-r"}))
    assert await social.refresh("canary-r") == Grant("a", "r", 1800.0, "arn:x")
    assert await social.refresh("canary-r") == Refusal(Reason.INVALID_GRANT, "invalid_grant: [secret]")
    assert (service.asked[0].path, json.loads(service.asked[0].body)) == (
        "/us-east-1/refreshToken",
        {"refreshToken": "canary-r"},
    )
