import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs

import pytest
from tests.support.oidc_server import oidc_server
from tests.support.records import NOW, a_registration, a_token, an_account
from tests.support.web_server import Reply, WebServer, web_server

from cwproxy.accounts.spending import Spender
from cwproxy.auth.clock import Clock
from cwproxy.auth.grants import Grant, Refusal
from cwproxy.auth.services import LoginServices
from cwproxy.errors import SettingsError
from cwproxy.store import Account, AccountKind, Registration, Secret, Token

pytestmark = pytest.mark.anyio

ENTRA = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
CLIENT = Registration("entra-client", Secret(""), NOW, "us-east-1", ("offline_access",))


@pytest.fixture
def service() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
async def spender(service: WebServer) -> AsyncIterator[Spender]:
    spender = Spender(LoginServices(service.url))
    yield spender
    await spender.aclose()


@pytest.mark.parametrize("kind", [AccountKind.BUILDER_ID, AccountKind.IDENTITY_CENTER])
async def test_at_the_oidc_service_under_the_registration(kind: AccountKind) -> None:
    with oidc_server() as server:
        spender = Spender(LoginServices(server.url))
        token = Token(Secret("a"), Secret(server.current), NOW)
        spender.of(an_account("two", kind), a_registration(), token)
        spend = spender.of(an_account(kind=kind), a_registration(), token)
        assert spend is not None
        grant = await spend(Clock().limit(10.0))
        await spender.aclose()
    assert isinstance(grant, Grant) and grant.access_token == "canary-access-1"
    assert server.calls[0][1]["clientId"] == "client-0"


async def test_a_social_one_at_kiros(spender: Spender, service: WebServer) -> None:
    service.script.append(Reply(body={"accessToken": "a", "refreshToken": "r", "expiresIn": 60}))
    spend = spender.of(an_account(kind=AccountKind.SOCIAL), None, a_token())
    assert spend is not None
    assert await spend(Clock().limit(10.0)) == Grant("a", "r", 60.0)
    assert json.loads(service.asked[0].body) == {"refreshToken": "canary-refresh-0"}


async def test_an_external_one_at_the_companys(spender: Spender, service: WebServer) -> None:
    service.script.append(Reply(body={"access_token": "a", "expires_in": 60}))
    spend = spender.of(an_account(kind=AccountKind.EXTERNAL_IDP, start_url=ENTRA), CLIENT, a_token())
    assert spend is not None
    assert await spend(Clock().limit(10.0)) == Grant("a", None, 60.0)
    form = parse_qs(service.asked[0].body.decode())
    assert (form["client_id"], form["scope"]) == (["entra-client"], ["offline_access"])


@pytest.mark.parametrize(
    ("account", "registration", "token"),
    [
        (an_account(), None, a_token()),
        (an_account(), a_registration(), Token(Secret("a"), None, NOW)),
        (an_account(kind=AccountKind.EXTERNAL_IDP, start_url=ENTRA), None, a_token()),
        (Account("x", AccountKind.EXTERNAL_IDP, "x", "us-east-1", NOW), CLIENT, a_token()),
        (an_account(kind=AccountKind.API_KEY), None, a_token()),
        (an_account(kind=AccountKind.IAM), None, a_token()),
    ],
)
async def test_what_cannot_be_renewed(
    spender: Spender, account: Account, registration: Registration | None, token: Token
) -> None:
    assert spender.of(account, registration, token) is None


async def test_a_region_that_is_none(spender: Spender) -> None:
    with pytest.raises(SettingsError):
        spender.of(an_account(kind=AccountKind.SOCIAL, sso_region="evil.example/"), None, a_token())


async def test_nothing_is_asked_when_it_is_too_late(spender: Spender, service: WebServer) -> None:
    spend = spender.of(an_account(kind=AccountKind.SOCIAL), None, a_token())
    assert spend is not None
    refusal = await spend(Clock().limit(0.0))
    assert isinstance(refusal, Refusal) and not refusal.ambiguous
    assert not service.asked


@pytest.mark.parametrize("kind", [AccountKind.SOCIAL, AccountKind.BUILDER_ID])
async def test_no_answer_is_waited_for_when_it_is_too_late(kind: AccountKind) -> None:
    with oidc_server() as server:
        spender = Spender(LoginServices(server.url))
        release = server.hold()
        spend = spender.of(an_account(kind=kind), a_registration(), a_token())
        assert spend is not None
        async with asyncio.timeout(8.0):
            refusal = await spend(Clock().limit(0.5))
        release()
        await spender.aclose()
    assert isinstance(refusal, Refusal)
    assert refusal.ambiguous or kind is AccountKind.SOCIAL and not server.calls
