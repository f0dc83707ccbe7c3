"""A renewal of an account that lives in another program's file."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.support.logins import NEW, Logins, logins
from tests.support.oidc_server import Answer, error
from tests.support.records import NOW, a_registration, an_account
from tests.support.sourcefiles import IDC_HASH, write_kiro

from cwproxy.accounts.renewal import Lost, Postponed, Refreshed, Renewal
from cwproxy.accounts.sources.accord import place_of, taken
from cwproxy.auth.services import LoginServices
from cwproxy.store import AccountKind, AccountState, Reservation, Secret, Source, SourceKind, Store, Token

pytestmark = pytest.mark.anyio

IDC = {"provider": "Enterprise", "clientIdHash": IDC_HASH}


class Shared:
    """The account `shared` of the bench lives in `path`."""

    def __init__(self, bench: Logins, directory: Path) -> None:
        self.bench = bench
        self.directory = directory
        self.path = write_kiro(directory, refreshToken=bench.server.current, **IDC)
        source = Source(SourceKind.KIRO_IDE, str(self.path))
        account = msgspec.structs.replace(an_account("shared", AccountKind.IDENTITY_CENTER), source=source)
        holding = place_of(source, None).read()
        bench.store.add(account, taken(None, holding, now=NOW), a_registration())
        self.renewal = Renewal(bench.store, LoginServices(endpoint=bench.server.url), clock=bench.time.clock)

    @property
    def token(self) -> Token:
        token = self.bench.store.token("shared")
        assert token is not None
        return token

    def state(self) -> AccountState:
        account = self.bench.store.account("shared")
        assert account is not None
        return account.state

    def file(self) -> dict[str, object]:
        members: dict[str, object] = json.loads(self.path.read_bytes())
        return members

    def theirs(self, number: int, **changes: object) -> None:
        tokens = {"accessToken": f"canary-theirs-{number}", "refreshToken": f"canary-theirs-refresh-{number}"}
        write_kiro(self.directory, **IDC, **{**tokens, **changes})


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    async with logins(tmp_path / "data") as bench:
        shared = Shared(bench, tmp_path / "cache")
        yield shared
        await shared.renewal.aclose()


async def test_the_file_gets_what_the_service_gave(shared: Shared) -> None:
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret(NEW)
    assert (shared.file()["accessToken"], shared.file()["refreshToken"]) == (NEW, "canary-refresh-1")
    assert shared.token == outcome.token


async def test_what_the_other_program_renewed_costs_no_call(shared: Shared) -> None:
    known = shared.token
    shared.theirs(1)
    outcome = await shared.renewal.renew("shared", known)
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret("canary-theirs-1")
    assert shared.bench.server.refreshes == 0


async def test_a_note_beside_the_token_is_no_renewal(shared: Shared) -> None:
    """The same access token under a new generation is still the one that was refused."""
    known = shared.token
    write_kiro(shared.directory, refreshToken=shared.bench.server.current, **IDC, startUrl="https://x.example/start")
    outcome = await shared.renewal.renew("shared", known)
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret(NEW)


async def test_a_file_that_cannot_take_the_result_costs_no_refresh_token(shared: Shared) -> None:
    shared.path.chmod(0o400)
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Postponed)
    assert not outcome.asked
    assert "has to be renewed by the Kiro IDE" in outcome.message
    assert shared.bench.server.refreshes == 0


async def test_a_file_of_another_machine(shared: Shared) -> None:
    """Whoever has it renews, and the others take the result from the store."""
    known = shared.token
    shared.path.unlink()
    outcome = await shared.renewal.renew("shared", known)
    assert isinstance(outcome, Postponed)
    assert not outcome.asked
    newer = msgspec.structs.replace(known, access_token=Secret("canary-elsewhere"), generation=known.generation + 1)
    shared.bench.store.replace_token("shared", newer, expected_generation=known.generation)
    assert await shared.renewal.renew("shared", known) == Refreshed(newer)
    assert shared.bench.server.refreshes == 0


async def test_a_store_that_is_full_does_not_keep_it_from_the_file(shared: Shared) -> None:
    known = shared.token
    shared.bench.server.script.append(Answer(rotate=True, effect=lambda: shared.bench.fail_writes("token")))
    shared.bench.server.script[0] = replace(
        shared.bench.server.script[0],
        body={"accessToken": "canary-full", "refreshToken": "canary-full-refresh", "expiresIn": 3600},
    )
    outcome = await shared.renewal.renew("shared", known)
    assert isinstance(outcome, Refreshed)
    assert outcome.unsaved is not None
    assert shared.file()["refreshToken"] == "canary-full-refresh"
    shared.bench.allow_writes()
    newest = shared.renewal.newest("shared")
    assert newest is not None
    assert newest.refresh_token == Secret("canary-full-refresh")


async def test_a_refusal_because_the_other_program_was_quicker(shared: Shared) -> None:
    refusal = replace(error("invalid_grant"), effect=lambda: shared.theirs(1))
    shared.bench.server.script.append(refusal)
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret("canary-theirs-1")
    assert shared.state() is AccountState.ACTIVE


async def test_what_the_quicker_one_got_may_have_ended_since(shared: Shared) -> None:
    def effect() -> None:
        shared.theirs(1, expiresAt="2025-01-01T00:00:00Z", refreshToken="canary-late")
        shared.bench.server.current = "canary-late"

    shared.bench.server.script.append(replace(error("invalid_grant"), effect=effect))
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret(NEW)
    assert shared.file()["accessToken"] == NEW


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
async def test_a_login_that_has_ended_says_whose_it_is(shared: Shared, code: str) -> None:
    shared.bench.server.script.extend([error(code)] * 9)
    before = shared.path.read_bytes()
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Lost)
    assert "the login service of us-east-1 refused to renew it" in outcome.message
    assert "Log in again in the Kiro IDE" in outcome.message
    assert str(shared.path) not in outcome.message, "which clients are told"
    assert shared.bench.server.refreshes == 1
    assert shared.state() is AccountState.NEEDS_LOGIN
    assert shared.path.read_bytes() == before
    shared.bench.server.script.clear()
    shared.theirs(3)
    assert shared.renewal.newest("shared") == shared.token
    assert shared.state() is AccountState.ACTIVE


async def test_the_file_is_looked_at_once_more_when_the_room_is_made(shared: Shared) -> None:
    """What the other program writes while our disk is busy costs nobody the login."""
    known, store = shared.token, shared.bench.store
    reserve = shared.bench.store.reserve

    class Slow(Store):
        def reserve(
            self, account_id: str, *, expected_generation: int, started_at: float, over: Reservation | None = None
        ) -> bool:
            made = reserve(account_id, expected_generation=expected_generation, started_at=started_at, over=over)
            if shared.file()["accessToken"] == "canary-access-0":
                shared.theirs(1)
            return made

    services = LoginServices(endpoint=shared.bench.server.url)
    renewal = Renewal(Slow(store.database), services, clock=shared.bench.time.clock)
    outcome = await renewal.renew("shared", known)
    await renewal.aclose()
    assert isinstance(outcome, Refreshed)
    assert outcome.token.access_token == Secret("canary-theirs-1")
    assert shared.bench.server.refreshes == 0


async def test_clients_are_told_no_file_that_keeps_a_login_from_being_renewed(shared: Shared) -> None:
    shared.bench.sql("DELETE FROM registration")
    outcome = await shared.renewal.renew("shared", shared.token)
    assert isinstance(outcome, Postponed)
    assert str(shared.path) in outcome.message
    assert "cwproxy doctor" in outcome.told
    assert str(shared.path) not in outcome.told
