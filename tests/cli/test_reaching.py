import pytest
from tests.support.records import an_account

from cwproxy.cli.reaching import login_host, reach
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.settings import load
from cwproxy.store import AccountKind

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("kind", "host"),
    [
        (AccountKind.BUILDER_ID, "oidc.eu-west-1.amazonaws.com"),
        (AccountKind.IDENTITY_CENTER, "oidc.eu-west-1.amazonaws.com"),
        (AccountKind.SOCIAL, "prod.eu-west-1.auth.desktop.kiro.dev"),
        (AccountKind.API_KEY, None),
        (AccountKind.EXTERNAL_IDP, None),
        (AccountKind.IAM, None),
    ],
)
def test_where_each_kind_logs_in(kind: AccountKind, host: str | None) -> None:
    assert login_host(an_account(kind=kind, sso_region="eu-west-1")) == host


def test_where_the_first_login_is() -> None:
    assert login_host(None) == "oidc.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("where", "login", "host"),
    [
        (None, "login.example", "login.example"),
        (Target(Surface.Q, "us-east-1"), "login.example", "login.example"),
        (Target(Surface.Q, "us-east-1"), None, "q.us-east-1.amazonaws.com"),
    ],
)
async def test_a_proxy_that_is_not_there(where: Target | None, login: str | None, host: str) -> None:
    settings = load({"upstream_proxy": "http://127.0.0.1:9"})
    (found,) = [finding async for finding in reach(settings, where, login)]
    assert (found.name, found.good) == ("network", False)
    assert host in found.detail and "CWPROXY_UPSTREAM_PROXY" in found.advice
