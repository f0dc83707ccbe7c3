import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from stat import S_IMODE
from time import monotonic

import pytest
from tests.support.fake_clock import FakeClock
from tests.support.logins import END_LOCKS, NEW, OLD, Logins, logins
from tests.support.oidc_server import Answer, Json, error
from tests.support.records import NOW, a_registration, a_token, an_account
from tests.support.waiting import SECONDS
from tests.support.web_server import Reply, web_server

from cwproxy.accounts.announcing import FENCE_SECONDS
from cwproxy.accounts.renewal import DOUBTS, Lost, Postponed, Refreshed, Renewal
from cwproxy.auth.clock import Clock
from cwproxy.auth.services import LoginServices
from cwproxy.errors import AccountUnusable, LoginRequired
from cwproxy.store import AccountKind, AccountState, Secret, Store, Token

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Logins]:
    async with logins(tmp_path / "data") as bench:
        yield bench


@pytest.fixture
async def renewal(bench: Logins) -> AsyncIterator[Renewal]:
    renewal = make_renewal(bench)
    yield renewal
    await renewal.aclose()


def make_renewal(bench: Logins, **options: float) -> Renewal:
    services = LoginServices(endpoint=bench.server.url)
    return Renewal(bench.store, services, clock=bench.time.clock, **options)


async def test_renews_and_stores(bench: Logins, renewal: Renewal) -> None:
    outcome = await renewal.renew("one", bench.token)
    token = Token(Secret(NEW), Secret("canary-refresh-1"), NOW + 3600.0, 2)
    assert outcome == Refreshed(token)
    assert bench.token == token
    assert bench.store.unfinished("one") is None


@pytest.mark.parametrize(("known", "kept"), [(None, "arn:new"), ("arn:old", "arn:old")])
async def test_a_social_login_learns_its_profile_when_it_is_renewed(
    bench: Logins, known: str | None, kept: str
) -> None:
    bench.store.remove("one")
    bench.store.add(an_account(kind=AccountKind.SOCIAL, profile_arn=known), a_token())
    with web_server() as service:
        tokens = {
            "accessToken": "canary-access-2",
            "refreshToken": "canary-r",
            "expiresIn": 60,
            "profileArn": "arn:new",
        }
        service.script.append(Reply(body=tokens))
        renewal = Renewal(bench.store, LoginServices(endpoint=service.url), clock=bench.time.clock)
        outcome = await renewal.renew("one", bench.token)
        await renewal.aclose()
    assert isinstance(outcome, Refreshed)
    assert bench.account.profile_arn == kept
    assert bench.token.access_token == Secret("canary-access-2")


async def test_the_lock_file_is_private_and_stays(bench: Logins, renewal: Renewal) -> None:
    await renewal.renew("one", bench.token)
    path = bench.directory / "refresh-one.lock"
    assert S_IMODE(path.stat().st_mode) == 0o600
    inode = path.stat().st_ino
    await renewal.renew("one", bench.token)
    assert path.stat().st_ino == inode
    assert bench.server.refreshes == 2


async def test_the_room_is_made_before_the_refresh_token_is_spent(bench: Logins, renewal: Renewal) -> None:
    release = bench.server.hold()
    running = asyncio.ensure_future(renewal.renew("one", bench.token))
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    assert bench.store.unfinished("one") is not None
    release()
    await running


async def test_an_answer_without_a_refresh_token_keeps_the_old_one(bench: Logins, renewal: Renewal) -> None:
    bench.server.token_members = {"refreshToken": None}
    await renewal.renew("one", bench.token)
    assert bench.token == Token(Secret(NEW), Secret("refresh-0"), NOW + 3600.0, 2)


async def test_a_good_token_that_is_newer_than_ours_is_taken_over(bench: Logins, renewal: Renewal) -> None:
    known = bench.token
    bench.store.replace_token("one", a_token(7, generation=2), expected_generation=1)
    assert await renewal.renew("one", known) == Refreshed(a_token(7, generation=2))
    assert bench.server.refreshes == 0


async def test_a_refused_account_is_not_tried(bench: Logins, renewal: Renewal) -> None:
    bench.store.set_state("one", AccountState.NEEDS_LOGIN)
    outcome = await renewal.renew("one", bench.token)
    assert outcome == Lost(
        "The login of account 'mine' has ended: it was not accepted any more. "
        "Run `cwproxy login builder-id --label mine`."
    )
    assert bench.server.refreshes == 0


async def test_an_account_that_was_removed(bench: Logins, renewal: Renewal) -> None:
    known = bench.token
    bench.store.remove("one")
    assert isinstance(await renewal.renew("one", known), Lost)


async def test_an_account_that_is_removed_meanwhile(bench: Logins, renewal: Renewal) -> None:
    body: Json = {"accessToken": NEW, "expiresIn": 3600}
    bench.server.script.append(Answer(effect=lambda: bench.sql("DELETE FROM token"), body=body))
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Lost)
    assert "removed" in outcome.message


@pytest.mark.parametrize("statement", ["UPDATE token SET refresh_token = NULL", "DELETE FROM registration"])
async def test_nothing_to_renew_it_with(bench: Logins, renewal: Renewal, statement: str) -> None:
    bench.sql(statement)
    for _ in range(2):
        assert isinstance(await renewal.renew("one", bench.token), Postponed), "it is good until its end"
    bench.expire()
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Lost)
    assert "nothing to renew it with" in outcome.message
    assert bench.account.state is AccountState.NEEDS_LOGIN


async def test_a_login_during_the_renewal_wins(bench: Logins, renewal: Renewal) -> None:
    def log_in() -> None:
        bench.store.replace_login("one", a_token(9), a_registration())

    bench.server.script.append(Answer(effect=log_in, body={"accessToken": "canary-late", "expiresIn": 3600}))
    assert await renewal.renew("one", bench.token) == Refreshed(a_token(9, generation=2))
    assert bench.token == a_token(9, generation=2)


async def test_a_token_from_memory_that_is_stored_during_its_renewal_does_not_win(
    bench: Logins, renewal: Renewal
) -> None:
    known = Token(Secret("canary-access-7"), Secret(bench.server.current), NOW + 3600.0, 2)

    def store_it() -> None:
        bench.store.replace_token("one", known, expected_generation=1)

    bench.server.script.append(Answer(effect=store_it, body={"accessToken": NEW, "expiresIn": 3600}))
    outcome = await renewal.renew("one", known)
    assert isinstance(outcome, Refreshed)
    assert outcome.token == bench.token
    assert (bench.token.access_token, bench.token.generation) == (Secret(NEW), 3)


@pytest.mark.parametrize("code", ["invalid_grant", "expired_token", "invalid_request", "access_denied"])
async def test_a_refusal_is_looked_at_thrice_before_it_is_believed(bench: Logins, renewal: Renewal, code: str) -> None:
    bench.server.script.append(error(code, "refresh-0 was not right"))
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Lost)
    assert "cwproxy login" in outcome.message
    assert "refresh-0" not in outcome.message
    assert bench.time.slept == [0.025, 0.05, 0.1]
    assert bench.account.state is AccountState.NEEDS_LOGIN
    assert code in bench.account.state_detail
    assert bench.token.refresh_token == Secret("refresh-0")
    assert bench.store.unfinished("one") is None


async def test_a_reason_that_is_not_known_is_not_believed_at_once(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.extend([error("interaction_required")] * (DOUBTS + 2))
    for _ in range(DOUBTS):
        assert isinstance(await renewal.renew("one", bench.token), Postponed)
    assert isinstance(await renewal.renew("one", bench.token), Lost)


async def test_a_login_of_another_region_is_a_matter_of_how_it_is_set_up(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.append(error("InvalidRequestRegionException"))
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Postponed)
    assert outcome.misconfigured
    assert "--region" in outcome.message
    assert bench.account.state is AccountState.ACTIVE
    bench.expire()
    bench.server.script.append(error("InvalidRequestRegionException"))
    with pytest.raises(AccountUnusable, match="does not belong to us-east-1"):
        await bench.keeper.source("one").token()


@pytest.mark.parametrize("looks", [1, 2, 3])
async def test_a_refusal_because_somebody_was_quicker_is_no_loss(bench: Logins, renewal: Renewal, looks: int) -> None:
    def store_theirs(_: float) -> None:
        if len(bench.time.slept) == looks:
            bench.store.replace_token("one", a_token(7, generation=2), expected_generation=1)

    bench.time.on_sleep = store_theirs
    bench.server.script.append(error("invalid_grant"))
    assert await renewal.renew("one", bench.token) == Refreshed(a_token(7, generation=2))
    assert bench.account.state is AccountState.ACTIVE


async def test_a_token_stored_after_the_verdict_heals_it(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.append(error("invalid_grant"))
    assert isinstance(await renewal.renew("one", bench.token), Lost)
    bench.store.replace_token("one", a_token(7, generation=2), expected_generation=1)
    assert await bench.keeper.source("one").token() == "canary-access-7"


async def test_an_expired_registration_needs_a_login(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.append(error("invalid_client"))
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Lost)
    assert "registration of this program has expired" in outcome.message
    assert bench.time.slept == []


@pytest.mark.parametrize("code", ["server_error", "slow_down", "authorization_pending"])
async def test_what_may_pass_is_postponed_and_released(bench: Logins, renewal: Renewal, code: str) -> None:
    bench.server.script.append(error(code))
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Postponed)
    assert not outcome.storage
    assert bench.server.refreshes == 1
    assert bench.store.unfinished("one") is None
    assert bench.account.state is AccountState.ACTIVE


async def test_a_lost_answer_is_asked_for_once_more(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.append(Answer(hang_up=True))
    assert isinstance(await renewal.renew("one", bench.token), Refreshed)
    assert bench.time.slept == [2.0]
    assert [body["refreshToken"] for _, body in bench.server.calls] == ["refresh-0"] * 2


async def test_a_lost_answer_with_the_token_spent_needs_a_login(bench: Logins, renewal: Renewal) -> None:
    bench.server.script.append(Answer(hang_up=True, rotate=True))
    assert isinstance(await renewal.renew("one", bench.token), Lost)
    assert bench.server.refreshes == 2


async def test_a_lost_answer_is_not_asked_for_again_when_somebody_else_has_renewed_the_login(
    bench: Logins, renewal: Renewal
) -> None:
    """Who was suspended for long, or cut off from the database, is no longer the one who may."""
    newer = a_token(7, generation=2)

    def renew_elsewhere(_: float) -> None:
        assert bench.store.replace_token("one", newer, expected_generation=1)

    bench.time.on_sleep = renew_elsewhere
    bench.server.script.append(Answer(hang_up=True))
    assert await renewal.renew("one", bench.token) == Refreshed(newer)
    assert bench.server.refreshes == 1


async def test_two_lost_answers_are_postponed_and_remembered(
    bench: Logins, renewal: Renewal, caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.script.extend([Answer(hang_up=True)] * 2)
    assert isinstance(await renewal.renew("one", bench.token), Postponed)
    assert bench.server.refreshes == 2
    assert bench.store.unfinished("one") is not None
    assert isinstance(await renewal.renew("one", bench.token), Refreshed)
    assert "cut off" in caplog.text
    assert "canary" not in caplog.text


async def test_a_token_that_moves_before_the_reservation_is_read_again(bench: Logins, renewal: Renewal) -> None:
    bench.sql(
        "CREATE TRIGGER moved AFTER INSERT ON refresh_started WHEN new.generation = 1 "
        "BEGIN SELECT raise(ABORT, 'never reserved for the old one'); END"
    )
    known = bench.token

    class Moving(Store):
        """Another process stores a token that needs renewal, just before the reservation."""

        def unfinished(self, account_id: str) -> None:
            spent = Token(Secret("canary-access-7"), Secret("refresh-0"), NOW, 2)
            self.replace_token(account_id, spent, expected_generation=1)

    with Moving.open(bench.directory) as store:
        services = LoginServices(endpoint=bench.server.url)
        renewal = Renewal(store, services, clock=bench.time.clock)
        assert isinstance(await renewal.renew("one", known), Refreshed)
        await renewal.aclose()
    assert bench.token.generation == 3


async def test_a_lock_that_cannot_be_made_is_a_matter_of_storage(bench: Logins) -> None:
    (bench.directory / "refresh-one.lock").mkdir()
    renewal = make_renewal(bench)
    outcome = await renewal.renew("one", bench.token)
    assert isinstance(outcome, Postponed)
    assert outcome.storage
    assert "Cannot lock" in outcome.message
    assert bench.server.refreshes == 0


def spawn(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


_HOLD = """
import sys, filelock
lock = filelock.FileLock(sys.argv[1], mode=0o600)
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


async def test_a_holder_that_hangs_is_waited_for_and_a_killed_one_is_not(bench: Logins, renewal: Renewal) -> None:
    impatient = make_renewal(bench, lock_seconds=0.2)
    path = bench.directory / "refresh-one.lock"
    holder = spawn(_HOLD, str(path))
    with holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
        outcome = await impatient.renew("one", bench.token)
        await impatient.aclose()
        assert isinstance(outcome, Postponed)
        assert "Another process" in outcome.message
        assert bench.server.refreshes == 0
        holder.kill()
    assert isinstance(await renewal.renew("one", bench.token), Refreshed)


async def test_whoever_stops_waiting_for_the_lock_does_not_get_it_later(bench: Logins, renewal: Renewal) -> None:
    held = bench.store.database.locked("refresh-one", within=SECONDS)
    assert await asyncio.to_thread(held.__enter__)
    waiting = asyncio.ensure_future(renewal.renew("one", bench.token))
    await asyncio.wait([waiting], timeout=0.2)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    await asyncio.to_thread(held.__exit__, None, None, None)
    assert isinstance(await renewal.renew("one", bench.token), Refreshed)
    assert bench.server.refreshes == 1


_RENEW = """
import asyncio, sys
from functools import partial
from pathlib import Path
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.auth.clock import Clock
from cwproxy.auth.services import LoginServices
from cwproxy.store import Store

async def main() -> None:
    with Store.open(Path(sys.argv[1])) as store:
        services = LoginServices(endpoint=sys.argv[2])
        services.oidc("us-east-1")._opened()  # which takes the longest
        keeper = TokenKeeper(store, services)
        source = keeper.source("one")
        print("ready", flush=True)
        sys.stdin.readline()
        print(await source.token(), flush=True)
        await keeper.aclose()

asyncio.run(main())
"""


async def test_four_processes_make_one_renewal(bench: Logins) -> None:
    bench.sql("UPDATE token SET expires_at = 0")
    processes = [spawn(_RENEW, str(bench.directory), bench.server.url) for _ in range(4)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        answers = await asyncio.gather(*[asyncio.to_thread(process.communicate, "go\n") for process in processes])
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert {answer for answer, _ in answers} == {f"{NEW}\n"}
    assert bench.server.refreshes == 1
    assert not bench.server.revoked
    assert bench.token.generation == 2


def stored(store: Store) -> Token:
    token = store.token("one")
    assert token is not None
    return token


async def test_a_lost_lock_lets_nobody_else_spend_the_same_token(bench: Logins, database_url: str) -> None:
    services = LoginServices(endpoint=bench.server.url)
    with Store.open(database_url) as here, Store.open(database_url) as there:
        here.add(an_account("one"), Token(Secret(OLD), Secret(bench.server.current), 0.0), a_registration())
        known = a_token(generation=1)
        first, second = (Renewal(store, services, clock=Clock()) for store in (here, there))
        release = bench.server.hold()
        spending = asyncio.ensure_future(first.renew("one", known))
        await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
        with there.database.transaction() as statements:
            assert statements.execute(END_LOCKS)
        waiting = asyncio.ensure_future(second.renew("one", known))
        await asyncio.wait([waiting], timeout=1.0)
        assert not waiting.done()
        assert bench.server.refreshes == 1
        release()
        assert await spending == await waiting == Refreshed(stored(here))
        assert bench.server.refreshes == 1
        await first.aclose()
        await second.aclose()


async def test_whoever_has_lost_the_lock_and_is_dead_is_waited_for_so_long(bench: Logins, database_url: str) -> None:
    services = LoginServices(endpoint=bench.server.url)
    with Store.open(database_url) as store:
        store.add(an_account("one"), Token(Secret(OLD), Secret(bench.server.current), 0.0), a_registration())
        time = FakeClock(NOW)
        began = monotonic()
        started_at = store.database.now() - FENCE_SECONDS + 3.0
        store.reserve("one", expected_generation=1, started_at=started_at)
        renewal = Renewal(store, services, clock=time.clock)
        assert isinstance(await renewal.renew("one", a_token(generation=1)), Refreshed)
        took = monotonic() - began
        assert 1.0 - took <= sum(time.slept) <= 5.0 + took, "the measured clock of the server may be wrong"
        await renewal.aclose()


async def test_what_was_noted_beside_a_token_while_it_was_spent_does_not_keep_it(
    bench: Logins, renewal: Renewal
) -> None:
    """The other program's file may be looked at without the lock."""
    noted = "UPDATE token SET generation = 2, extra = '{}'"
    body: Json = {"accessToken": NEW, "refreshToken": "canary-refresh-1", "expiresIn": 3600}
    bench.server.script.append(Answer(effect=lambda: bench.sql(noted), body=body))
    outcome = await renewal.renew("one", bench.token)
    assert outcome == Refreshed(bench.token)
    assert (bench.token.refresh_token, bench.token.generation) == (Secret("canary-refresh-1"), 3)


async def test_accounts_do_not_wait_for_each_other(bench: Logins, renewal: Renewal) -> None:
    release = bench.server.hold()
    first = asyncio.ensure_future(renewal.renew("one", bench.token))
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    bench.store.add(an_account("two"), a_token(3), a_registration())
    bench.server.arrived.clear()
    second = asyncio.ensure_future(renewal.renew("two", a_token(3)))
    assert await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    release()
    assert isinstance(await first, Refreshed)
    assert isinstance(await second, Lost)
    with pytest.raises(LoginRequired):
        await bench.keeper.source("two").token()
    assert await bench.keeper.source("one").token() != OLD
