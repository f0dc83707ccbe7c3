from urllib.parse import parse_qs

import pytest
from tests.support.web_server import Reply, WebServer

from cwproxy.auth.external import ExternalIdp
from cwproxy.auth.grants import Grant, Reason, Refusal
from cwproxy.auth.web import Web

pytestmark = pytest.mark.anyio

ENTRA = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"


async def test_a_form_without_a_secret(web: Web, service: WebServer) -> None:
    service.script.append(Reply(body={"access_token": "a", "refresh_token": "r", "expires_in": 4000}))
    idp = ExternalIdp(web, endpoint=service.url)
    assert await idp.refresh(ENTRA, "client", "canary-r", ("api://c/x", "offline_access")) == Grant("a", "r", 4000.0)
    (asked,) = service.asked
    assert asked.path == "/tenant/oauth2/v2.0/token"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["client"],
        "refresh_token": ["canary-r"],
        "scope": ["api://c/x offline_access"],
    }


async def test_a_refusal_and_an_answer_without_another_refresh_token(web: Web, service: WebServer) -> None:
    idp = ExternalIdp(web, endpoint=service.url)
    service.script.append(Reply(400, {"error": "invalid_grant", "error_description": "AADSTS70008: canary-r expired"}))
    service.script.append(Reply(body={"access_token": "a"}))
    refused = await idp.refresh(ENTRA, "client", "canary-r")
    assert refused == Refusal(Reason.INVALID_GRANT, "invalid_grant: AADSTS70008: [secret] expired")
    assert await idp.refresh(ENTRA, "client", "canary-r") == Grant("a", None, 3600.0)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.microsoftonline.com/token",
        "https://127.0.0.1/token",
        "https://[::1]/token",
        "https://169.254.169.254/token",
        "https://127.1/token",
        "https://localhost/token",
        "https://user@login.microsoftonline.com/token",
        "https://[half/token",
        "file:///etc/passwd",
    ],
)
async def test_a_refresh_token_is_not_sent_just_anywhere(web: Web, url: str) -> None:
    refused = await ExternalIdp(web).refresh(url, "client", "canary-r")
    assert isinstance(refused, Refusal) and refused.reason is Reason.INVALID_REQUEST
