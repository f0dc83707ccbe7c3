import asyncio
import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.support.oidc_server import OidcServer, error, oidc_server
from tests.support.waiting import SECONDS
from tests.support.web_server import Reply, WebServer

from cwproxy.auth import pkce
from cwproxy.auth.device import Prompt
from cwproxy.auth.oidc import Oidc
from cwproxy.auth.pkce import Proof
from cwproxy.auth.social import Provider, Social
from cwproxy.auth.web import Web
from cwproxy.errors import LoginFailed

pytestmark = pytest.mark.anyio

START = "https://acme.awsapps.com/start"


class Browser:
    """Goes where it is told and back with a code, as a person who agrees would make it."""

    def __init__(self, answer: str = "code=canary-code") -> None:
        self.answer = answer
        self.query: dict[str, list[str]] = {}
        self.url = ""
        self.visit: asyncio.Task[None] | None = None

    async def __call__(self, prompt: Prompt) -> None:
        assert (prompt.user_code, prompt.expires_in) == (None, 180.0)
        self.url = prompt.url
        self.query = parse_qs(urlsplit(prompt.url).query)
        self.visit = asyncio.ensure_future(self._return())

    async def _return(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
            await http.get(f"{self.query['redirect_uri'][0]}?{self.answer}&state={self.query['state'][0]}")


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def test_a_proof_is_as_long_as_it_has_to_be_and_shows_nothing() -> None:
    proof, other = Proof.fresh(), Proof.fresh()
    assert len(proof.verifier) == 43
    assert proof.challenge == challenge_of(proof.verifier)
    assert len({proof.verifier, other.verifier, proof.state, other.state}) == 4
    assert proof.verifier not in repr(proof) and proof.state not in repr(proof)


async def test_a_login_at_the_oidc_service() -> None:
    browser = Browser()
    with oidc_server() as server:
        oidc = Oidc("us-east-1", endpoint=server.url)
        login = await pkce.log_in(oidc, START, browser)
        await oidc.aclose()
    registered, exchanged = (body for _, body in server.calls)
    redirect = browser.query["redirect_uri"][0]
    assert registered["redirectUris"] == [redirect]
    assert registered["grantTypes"] == ["authorization_code", "refresh_token"]
    assert registered["issuerUrl"] == START
    assert browser.url.startswith(f"{server.url}/authorize?response_type=code&client_id=client-1&")
    assert "scopes=codewhisperer%3Acompletions%20codewhisperer%3Aanalysis%20" in browser.url
    assert browser.query["code_challenge_method"] == ["S256"]
    assert exchanged["grantType"] == "authorization_code"
    assert (exchanged["code"], exchanged["redirectUri"]) == ("canary-code", redirect)
    assert challenge_of(str(exchanged["codeVerifier"])) == browser.query["code_challenge"][0]
    assert login.grant.access_token == "canary-access-1"
    assert login.registration is not None and login.registration.client_id == "client-1"


def _refuse_registration(server: OidcServer) -> None:
    server.register_script.append(error("invalid_request", "no redirect"))


def _refuse_code(server: OidcServer) -> None:
    server.script.append(error("invalid_grant", "canary-code is unknown"))


@pytest.mark.parametrize(
    ("refuse", "sentence"),
    [(_refuse_registration, "did not register"), (_refuse_code, r"did not take the code .*\[secret\] is unknown")],
)
async def test_a_login_that_the_service_refuses(refuse: object, sentence: str) -> None:
    with oidc_server() as server:
        assert callable(refuse)
        refuse(server)
        oidc = Oidc("us-east-1", endpoint=server.url)
        with pytest.raises(LoginFailed, match=sentence):
            await pkce.log_in(oidc, START, Browser())
        await oidc.aclose()


async def test_a_person_who_says_no() -> None:
    with oidc_server() as server:
        oidc = Oidc("us-east-1", endpoint=server.url)
        with pytest.raises(LoginFailed, match="denied in the browser"):
            await pkce.log_in(oidc, START, Browser("error=access_denied"))
        await oidc.aclose()


async def test_a_login_at_kiros_service(web: Web, service: WebServer) -> None:
    service.script.append(Reply(body={"accessToken": "a", "refreshToken": "r", "expiresIn": 60, "profileArn": "arn:x"}))
    browser = Browser()
    login = await pkce.log_in_social(Social("us-east-1", web, endpoint=service.url), Provider.GITHUB, browser)
    assert (login.registration, login.grant.profile_arn) == (None, "arn:x")
    assert browser.query["idp"] == ["Github"]
