"""The acceptance seed 15 of backend-rules.md G, over HTTP on both surfaces: logins that the Kiro IDE uses as well."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.support.kiro import BUILDER_ID, FakeKiro
from tests.support.server import run_server
from tests.support.simulator import Simulator
from tests.support.waiting import SECONDS, until

from cwproxy.accounts.sources.importing import Wanted, put, source_at
from cwproxy.settings import load
from cwproxy.store import AccountState, Store
from cwproxy.wiring import create_application, open_service

pytestmark = pytest.mark.anyio

START_URL = "https://acme.awsapps.com/start"


@dataclass(frozen=True)
class Shared:
    """url: the proxy's. account_id: of the simulator."""

    url: str
    aws: Simulator
    kiro: FakeKiro
    account_id: str
    data: Path

    async def ask(self, count: int = 1) -> list[httpx.Response]:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
        async with httpx.AsyncClient(base_url=self.url, timeout=SECONDS, trust_env=False) as client:
            asking = (client.post("/v1/chat/completions", json=body) for _ in range(count))
            return list(await asyncio.gather(*asking))

    async def works(self, count: int = 1) -> bool:
        return [answer.status_code for answer in await self.ask(count)] == [200] * count

    async def works_again(self) -> None:
        """Within the time that a failed renewal is followed by another, or the store and the file are read anew."""
        async with asyncio.timeout(SECONDS):
            while not await self.works():  # noqa: ASYNC110 - what is waited for is a clock
                await asyncio.sleep(0.5)

    def expire(self) -> None:
        """Take the access tokens away: the service refuses them from now on."""
        self.aws.set_state(self.account_id, "expired")

    @property
    def renewals(self) -> int:
        """All calls that wanted to renew, those of Kiro too."""
        calls = self.aws.received(secrets=True)
        return sum(call.path.endswith("/token") and '"refresh_token"' in call.body for call in calls)

    def state(self) -> AccountState:
        with Store.open(self.data) as store:
            (account,) = store.accounts()
            return account.state


@asynccontextmanager
async def sharing(surface: str, directory: Path, **changes: object) -> AsyncIterator[Shared]:
    """A proxy that shares the login of a Kiro IDE, after these changes to its file."""
    with Simulator(auto_approve=0) as aws:
        start_url = BUILDER_ID if surface == "q" else START_URL
        account = aws.account("builder-id" if surface == "q" else "identity-center", start_url=start_url)
        aws.next_login(account)
        kiro = FakeKiro(aws.url, directory / "cache", start_url=start_url)
        await asyncio.to_thread(kiro.log_in)
        kiro.change(**changes)
        data = directory / "data"
        arn = account.profile_arns[0] if account.profile_arns else None
        with Store.open(data) as store:
            put(store, Wanted(source_at(kiro.path), region="us-east-1", profile_arn=arn), now=time.time())
        settings = load({"endpoint": aws.url + "/{region}", "surface": surface})
        async with (
            open_service(settings, data) as service,
            run_server(create_application(settings, service)) as url,
        ):
            yield Shared(url, aws, kiro, account.id, data)


@pytest.fixture(params=["kiro", "q"])
def surface(request: pytest.FixtureRequest) -> str:
    surface: str = request.param
    return surface


async def test_20_requests_at_expiry(surface: str, tmp_path: Path) -> None:
    async with sharing(surface, tmp_path, expiresAt="2025-01-01T00:00:00.000Z") as shared:
        before = shared.kiro.read()
        shared.expire()
        assert await shared.works(20)
        assert shared.renewals == 1
        after = shared.kiro.read()
        assert after["refreshToken"] != before["refreshToken"]
        assert after["expiresAt"] > "2026"
        assert {**before, **after} == {**after}
        assert shared.kiro.renew()


async def test_20_requests_when_the_token_is_refused_before_its_time(surface: str, tmp_path: Path) -> None:
    async with sharing(surface, tmp_path) as shared:
        assert await shared.works()
        shared.expire()
        assert await shared.works(20)
        assert shared.renewals == 1
        assert shared.kiro.renew()


async def test_rotated_by_another_process(surface: str, tmp_path: Path) -> None:
    async with sharing(surface, tmp_path) as shared:
        assert await shared.works()
        shared.expire()
        assert shared.kiro.renew()
        assert await shared.works(20)
        assert shared.renewals == 1
        # Within the minute in which nothing would be renewed again.
        shared.expire()
        assert shared.kiro.renew()
        assert await shared.works(20)
        assert shared.renewals == 2


async def test_invalid_grant_and_then_the_file_changes(surface: str, tmp_path: Path) -> None:
    """The other program was quicker by the time that its answer took to come back."""
    async with sharing(surface, tmp_path) as shared:
        assert await shared.works()
        shared.expire()
        shared.aws.fault("error", scope="oidc", error="invalid_grant", message="Invalid refresh token provided")
        asking = asyncio.ensure_future(shared.works(5))
        await until(lambda: shared.renewals > 0)
        assert await asyncio.to_thread(shared.kiro.renew)
        assert await asking
        assert shared.renewals == 2
        assert shared.state() is AccountState.ACTIVE


async def test_a_login_that_is_lost_and_made_again_in_kiro(surface: str, tmp_path: Path) -> None:
    async with sharing(surface, tmp_path) as shared:
        assert await shared.works()
        shared.aws.revoke_logins(shared.account_id)
        (refused,) = await shared.ask()
        message = refused.json()["error"]["message"]
        assert refused.status_code == 502
        assert "Log in again in the Kiro IDE" in message
        assert str(shared.kiro.path) not in message, "whoever uses the proxy need not know its files"
        assert shared.state() is AccountState.NEEDS_LOGIN
        spent = shared.renewals
        await shared.ask(5)
        assert shared.renewals == spent
        shared.aws.next_login(shared.account_id)
        await asyncio.to_thread(shared.kiro.log_in)
        await shared.works_again()
        assert await shared.works(5)
        assert shared.state() is AccountState.ACTIVE


async def test_the_wrong_region_costs_one_call_and_is_mended_in_the_file(tmp_path: Path) -> None:
    async with sharing("kiro", tmp_path, region="eu-west-1") as shared:
        assert await shared.works()
        before = shared.kiro.path.read_bytes()
        shared.expire()
        (refused,) = await shared.ask()
        assert refused.status_code == 502
        assert "eu-west-1" in refused.json()["error"]["message"]
        assert shared.renewals == 1
        assert shared.kiro.path.read_bytes() == before
        shared.kiro.change(region="us-east-1")
        await shared.works_again()
        assert await shared.works(5)
        assert shared.kiro.renew()


async def test_the_wrong_region_of_a_builder_id_which_has_but_one(tmp_path: Path) -> None:
    async with sharing("q", tmp_path, region="eu-west-1") as shared:
        assert await shared.works()
        shared.expire()
        assert await shared.works(5)
        assert shared.renewals == 1
        assert shared.kiro.read()["region"] == "eu-west-1"
        assert shared.kiro.renew()


async def test_no_region(surface: str, tmp_path: Path) -> None:
    async with sharing(surface, tmp_path, region=None) as shared:
        shared.expire()
        assert await shared.works(5)
        assert "region" not in shared.kiro.read()
        assert shared.kiro.renew()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_a_byte_order_mark(surface: str, tmp_path: Path, encoding: str) -> None:
    async with sharing(surface, tmp_path) as shared:
        text = shared.kiro.path.read_text().replace("\n", "\r\n")
        shared.kiro.path.write_bytes(text.encode(encoding))
        shared.expire()
        assert await shared.works(5)
        assert shared.kiro.path.read_bytes()[:1] == b"{"
        assert shared.kiro.renew()


@pytest.mark.parametrize("value", [None, "", "Invalid Date"])
async def test_no_end_is_said(surface: str, tmp_path: Path, value: object) -> None:
    async with sharing(surface, tmp_path, expiresAt=value) as shared:
        assert await shared.works(5)
        assert shared.renewals == 0
        shared.expire()
        assert await shared.works(5)
        assert shared.renewals == 1
        assert shared.kiro.read()["expiresAt"] > "2026"


async def test_a_file_that_is_broken_or_gone_for_a_while(tmp_path: Path) -> None:
    async with sharing("kiro", tmp_path) as shared:
        whole = shared.kiro.path.read_bytes()
        shared.kiro.path.write_bytes(whole[:60])
        assert await shared.works()
        shared.expire()
        (refused,) = await shared.ask()
        assert refused.status_code in (401, 502, 503)
        assert shared.renewals == 0
        shared.kiro.path.unlink()
        shared.kiro.path.write_bytes(whole)
        await shared.works_again()


async def test_a_read_only_file_is_never_renewed_here(tmp_path: Path) -> None:
    async with sharing("kiro", tmp_path) as shared:
        shared.kiro.path.chmod(0o444)
        assert await shared.works()
        shared.expire()
        await shared.ask()
        assert shared.renewals == 0
        shared.kiro.path.chmod(0o644)
        assert shared.kiro.renew()
        shared.kiro.path.chmod(0o444)
        await shared.works_again()
        assert shared.renewals == 1
