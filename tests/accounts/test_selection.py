import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.logins import OLD, Logins, logins
from tests.support.records import an_account

from cwproxy.accounts.selection import BELIEVED_SECONDS, Accounts, Routing, default_surface, target_of
from cwproxy.auth.bearer import Bearer
from cwproxy.auth.sigv4 import SigV4
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.errors import LoginRequired
from cwproxy.store import AccountKind, AccountState

pytestmark = pytest.mark.anyio

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/AAAABBBBCCCC"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Logins]:
    async with logins(tmp_path / "data") as bench:
        yield bench


def accounts(bench: Logins, routing: Routing | None = None) -> Accounts:
    return Accounts(bench.store, bench.keeper, routing or Routing())


async def authorization(auth: httpx.Auth) -> str:
    flow = auth.async_auth_flow(httpx.Request("POST", "https://backend/", content=b""))
    header = (await anext(flow)).headers["authorization"]
    await flow.aclose()
    return header


async def test_the_oldest_active_account_serves(bench: Logins) -> None:
    bench.store.add(an_account("older", created_at=1.0))
    bench.store.set_state("older", AccountState.SUSPENDED)
    bench.store.add(an_account("younger", created_at=4e9))
    selected = await accounts(bench).select()
    assert selected.account_id == "one"
    assert selected.target == Target(Surface.Q, "us-east-1")
    assert await authorization(selected.auth) == f"Bearer {OLD}"


async def test_an_account_keeps_its_proof_of_identity(bench: Logins) -> None:
    pool = accounts(bench)
    assert (await pool.select()).auth is (await pool.select()).auth


async def test_a_choice_is_believed_for_a_second(bench: Logins) -> None:
    now = 100.0
    pool = Accounts(bench.store, bench.keeper, Routing(), clock=lambda: now)
    assert (await pool.select()).account_id == "one"
    bench.store.set_state("one", AccountState.SUSPENDED, "because")
    assert (await pool.select()).account_id == "one"
    now += BELIEVED_SECONDS
    with pytest.raises(LoginRequired):
        await pool.select()
    bench.store.set_state("one", AccountState.ACTIVE)
    assert (await pool.select()).account_id == "one"


async def test_without_an_account_it_says_what_to_do(bench: Logins) -> None:
    bench.store.remove("one")
    with pytest.raises(LoginRequired, match="No account is logged in.*cwproxy login"):
        await accounts(bench).select()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (AccountState.NEEDS_LOGIN, "'mine' has ended: because.*cwproxy login"),
        (AccountState.SUSPENDED, "'mine' is suspended by AWS: because"),
        (AccountState.MISCONFIGURED, "'mine' cannot be used as it is set up: because"),
    ],
)
async def test_without_an_active_account_it_says_why(bench: Logins, state: AccountState, sentence: str) -> None:
    bench.store.set_state("one", state, "because")
    with pytest.raises(LoginRequired, match=sentence):
        await accounts(bench).select()


async def test_an_iam_account_signs(bench: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    bench.store.remove("one")
    bench.store.add(an_account("iam", AccountKind.IAM, sso_region="us-west-2"))
    selected = await accounts(bench).select()
    assert isinstance(selected.auth, SigV4)
    assert selected.target == Target(Surface.Q_IAM, "us-west-2")
    assert "/us-west-2/q/aws4_request" in await authorization(selected.auth)


async def test_the_region_of_the_calls_is_the_profiles(bench: Logins) -> None:
    account = an_account(kind=AccountKind.IDENTITY_CENTER, sso_region="eu-west-1", profile_arn=ARN)
    assert target_of(account, Routing()) == Target(Surface.KIRO, "eu-central-1", profile_arn=ARN)


def test_the_account_may_choose_its_surface_and_the_settings_overrule_it() -> None:
    account = an_account(surface="codewhisperer")
    assert target_of(account, Routing()).surface is Surface.CODEWHISPERER
    routing = Routing(endpoint="http://x/{region}", surface=Surface.KIRO, profile_arn=ARN, opt_out=False)
    assert target_of(account, routing) == Target(
        Surface.KIRO, "eu-central-1", "http://x/{region}", profile_arn=ARN, opt_out=False
    )


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


async def test_a_bearer_is_what_logins_get(bench: Logins) -> None:
    assert isinstance((await accounts(bench).select()).auth, Bearer)
