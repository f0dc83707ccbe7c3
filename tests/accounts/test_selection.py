import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from tests.support.logins import NEW, OLD, Logins, logins
from tests.support.records import an_account

from cwproxy.accounts.selection import Routing, Selector, default_surface, target_of, why_none
from cwproxy.auth.bearer import Bearer
from cwproxy.auth.sigv4 import SigV4
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.errors import LoginAwaited, LoginRequired
from cwproxy.store import AccountKind, AccountState

pytestmark = pytest.mark.anyio

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/AAAABBBBCCCC"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Logins]:
    async with logins(tmp_path / "data") as bench:
        yield bench


async def authorization(auth: httpx.Auth) -> str:
    flow = auth.async_auth_flow(httpx.Request("POST", "https://backend/", content=b""))
    header = (await anext(flow)).headers["authorization"]
    await flow.aclose()
    return header


def selector(bench: Logins) -> Selector:
    return Selector(bench.store, bench.keeper, Routing())


async def test_an_account_is_made_ready_for_calls(bench: Logins) -> None:
    selected = selector(bench).selected(bench.account)
    assert selected.account_id == "one"
    assert selected.target == Target(Surface.Q, "us-east-1")
    assert await authorization(selected.auth) == f"Bearer {OLD}"


async def test_an_account_keeps_its_proof_of_identity(bench: Logins) -> None:
    one = selector(bench)
    assert one.selected(bench.account).auth is one.selected(bench.account).auth


def test_without_an_account_it_says_what_to_do() -> None:
    assert re.search("No account is logged in.*cwproxy login", why_none([]))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (AccountState.NEEDS_LOGIN, "'mine' has ended: because.*cwproxy login"),
        (AccountState.SUSPENDED, "'mine' is suspended by AWS: because"),
        (AccountState.MISCONFIGURED, "'mine' cannot be used as it is set up: because"),
    ],
)
def test_without_an_active_account_it_says_why(state: AccountState, sentence: str) -> None:
    assert re.search(sentence, why_none([replace(an_account(), state=state, state_detail="because")]))


@pytest.mark.parametrize(
    ("kind", "token_type", "surface"),
    [
        (AccountKind.SOCIAL, None, Surface.KIRO),
        (AccountKind.EXTERNAL_IDP, "EXTERNAL_IDP", Surface.KIRO),
        (AccountKind.API_KEY, "API_KEY", Surface.KIRO),
        (AccountKind.IDENTITY_CENTER, None, Surface.KIRO),
        (AccountKind.BUILDER_ID, None, Surface.Q),
        (AccountKind.IAM, None, Surface.Q_IAM),
    ],
)
async def test_each_kind_says_what_its_token_is(
    bench: Logins, kind: AccountKind, token_type: str | None, surface: Surface
) -> None:
    account = replace(bench.account, kind=kind)
    selected = selector(bench).selected(account)
    assert (selected.target.token_type, selected.target.surface) == (token_type, surface)
    if kind is not AccountKind.IAM:
        assert await authorization(selected.auth) == f"Bearer {OLD}"


async def test_an_iam_account_signs(bench: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    bench.store.remove("one")
    bench.store.add(an_account("iam", AccountKind.IAM, sso_region="us-west-2"))
    (account,) = bench.store.accounts()
    select = selector(bench)
    selected = select.selected(account)
    assert isinstance(selected.auth, SigV4)
    assert selected.target == Target(Surface.Q_IAM, "us-west-2")
    assert "/us-west-2/q/aws4_request" in await authorization(selected.auth)
    assert select.selected(account).auth is selected.auth
    assert selected.hurried(lambda: True) is selected.auth
    assert not selected.awaited
    moved = select.selected(replace(account, sso_region="eu-central-1"))
    assert "/eu-central-1/q/aws4_request" in await authorization(moved.auth)


async def test_the_region_of_the_calls_is_the_profiles(bench: Logins) -> None:
    account = an_account(kind=AccountKind.IDENTITY_CENTER, sso_region="eu-west-1", profile_arn=ARN)
    assert target_of(account, Routing()) == Target(Surface.KIRO, "eu-central-1", profile_arn=ARN)


def test_the_account_may_choose_its_surface_and_the_settings_overrule_it() -> None:
    account = an_account(kind=AccountKind.IDENTITY_CENTER, surface="codewhisperer")
    assert target_of(account, Routing()).surface is Surface.CODEWHISPERER
    routing = Routing(endpoint="http://x/{region}", surface=Surface.KIRO, profile_arn=ARN, opt_out=False)
    assert target_of(account, routing) == Target(
        Surface.KIRO, "eu-central-1", "http://x/{region}", profile_arn=ARN, opt_out=False
    )


OTHER_ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/OTHER"


@pytest.mark.parametrize(
    ("kind", "wanted", "surface", "profile_arn"),
    [
        (AccountKind.BUILDER_ID, Surface.CODEWHISPERER, Surface.CODEWHISPERER, None),
        (AccountKind.BUILDER_ID, Surface.KIRO, Surface.KIRO, ARN),
        (AccountKind.BUILDER_ID, Surface.Q_IAM, Surface.Q, None),
        (AccountKind.IAM, Surface.KIRO, Surface.Q_IAM, None),
        (AccountKind.IAM, Surface.Q_IAM, Surface.Q_IAM, None),
        (AccountKind.API_KEY, Surface.CODEWHISPERER, Surface.CODEWHISPERER, None),
        (AccountKind.SOCIAL, Surface.Q, Surface.Q, ARN),
        (AccountKind.EXTERNAL_IDP, None, Surface.KIRO, ARN),
    ],
)
def test_of_accounts_of_mixed_kinds_each_does_what_it_can(
    kind: AccountKind, wanted: Surface | None, surface: Surface, profile_arn: str | None
) -> None:
    target = target_of(an_account(kind=kind), Routing(surface=wanted, profile_arn=ARN))
    assert (target.surface, target.profile_arn) == (surface, profile_arn)


def test_what_is_declared_of_one_account_counts_more_than_what_is_set_for_all() -> None:
    routing = Routing(surface=Surface.KIRO, profile_arn=ARN)
    declared = replace(an_account(kind=AccountKind.SOCIAL), declared=True)
    assert target_of(declared, routing) == Target(Surface.KIRO, "eu-central-1", profile_arn=ARN)
    own = target_of(replace(declared, surface="q", profile_arn=OTHER_ARN), routing)
    assert own == Target(Surface.Q, "us-east-1", profile_arn=OTHER_ARN)


def test_an_unknown_surface_is_named() -> None:
    with pytest.raises(LoginRequired, match="'mine'.*'telepathy'"):
        target_of(an_account(surface="telepathy"), Routing())


@pytest.mark.parametrize(
    ("kind", "surface"),
    [
        (AccountKind.BUILDER_ID, Surface.Q),
        (AccountKind.IDENTITY_CENTER, Surface.KIRO),
        (AccountKind.IAM, Surface.Q_IAM),
    ],
)
def test_every_kind_has_a_default_surface(kind: AccountKind, surface: Surface) -> None:
    assert default_surface(kind) is surface


async def test_a_call_may_be_in_a_hurry_where_the_login_is_renewed(bench: Logins) -> None:
    keeper = bench.keeper_of(short_patience=0.0)
    selected = Selector(bench.store, keeper, Routing()).selected(bench.account)
    assert not selected.awaited
    assert await authorization(selected.hurried(lambda: True)) == f"Bearer {OLD}"
    release = bench.server.hold()
    bench.expire()
    assert selected.awaited
    with pytest.raises(LoginAwaited):
        await authorization(selected.hurried(lambda: True))
    release()
    assert await authorization(selected.auth) == f"Bearer {NEW}"
    assert not selected.awaited
    await keeper.aclose()


async def test_a_bearer_is_what_logins_get(bench: Logins) -> None:
    assert isinstance(selector(bench).selected(bench.account).auth, Bearer)
