import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.logins import NEW, OLD, Logins, logins
from tests.support.oidc_server import Answer, error
from tests.support.records import NOW, a_registration, a_token
from tests.support.waiting import SECONDS, until

from cwproxy.accounts.tokens import LAST_PAUSE_SECONDS, Hurried, TokenKeeper
from cwproxy.auth.bearer import Replacement
from cwproxy.auth.services import LoginServices
from cwproxy.errors import BackendUnavailable, LoginAwaited, LoginRequired, StoreError
from cwproxy.store import AccountState, Secret, Store, Token

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Logins]:
    async with logins(tmp_path / "data") as bench:
        yield bench


async def test_a_fresh_token_is_served_as_it_is(bench: Logins) -> None:
    assert await bench.keeper.source("one").token() == OLD
    assert bench.server.calls == []


async def test_an_account_has_one_source(bench: Logins) -> None:
    assert bench.keeper.source("one") is bench.keeper.source("one")


@pytest.mark.parametrize(("jitter", "left", "renewed"), [(0, 599, 1), (0, 601, 0), (120, 719, 1), (-120, 481, 0)])
async def test_ten_minutes_ahead_it_is_renewed_behind_the_scenes(
    bench: Logins, jitter: float, left: float, renewed: int
) -> None:
    keeper = bench.keeper_of(jitter=jitter)
    source = keeper.source("one")
    await source.token()
    bench.expire(left=left)
    assert await source.token() == OLD
    await keeper.aclose()
    assert bench.server.refreshes == renewed
    assert await source.token() == (NEW if renewed else OLD)


async def test_in_the_last_minute_a_request_waits_for_the_new_token(bench: Logins) -> None:
    bench.expire(left=59)
    assert await bench.keeper.source("one").token() == NEW
    assert bench.token == Token(Secret(NEW), Secret("canary-refresh-1"), bench.time.wall + 3600.0, 2)


async def test_twenty_requests_at_the_end_make_one_renewal(bench: Logins) -> None:
    bench.expire()
    source = bench.keeper.source("one")
    assert await asyncio.gather(*[source.token() for _ in range(20)]) == [NEW] * 20
    assert bench.server.refreshes == 1


async def test_twenty_rejections_make_one_renewal(bench: Logins) -> None:
    source = bench.keeper.source("one")
    assert await asyncio.gather(*[source.renew(OLD) for _ in range(20)]) == [Replacement(NEW)] * 20
    assert await source.renew(OLD) == Replacement(NEW, 60.0)
    assert bench.server.refreshes == 1


async def test_a_client_that_leaves_does_not_stop_the_renewal(bench: Logins) -> None:
    bench.expire()
    source = bench.keeper.source("one")
    release = bench.server.hold()
    leaver, stayer = asyncio.ensure_future(source.token()), asyncio.ensure_future(source.token())
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    release()
    assert await stayer == NEW
    assert leaver.cancelled()
    assert bench.token.generation == 2


async def test_a_renewal_that_everybody_left_is_still_stored(bench: Logins) -> None:
    bench.expire()
    source = bench.keeper.source("one")
    release = bench.server.hold()
    leaver = asyncio.ensure_future(source.token())
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    release()
    await until(lambda: bench.token.generation == 2)
    assert await source.token() == NEW
    assert bench.server.refreshes == 1


async def test_a_rejected_token_that_another_process_has_renewed_is_not_renewed_again(bench: Logins) -> None:
    source = bench.keeper.source("one")
    await source.token()
    bench.store.replace_token("one", a_token(7, generation=2), expected_generation=1)
    assert (await source.renew(OLD)).token == "canary-access-7"
    assert bench.server.refreshes == 0


async def test_what_another_process_stored_must_be_good_to_be_taken_over(bench: Logins) -> None:
    source = bench.keeper.source("one")
    await source.token()
    spent = Token(Secret("canary-access-7"), Secret(bench.server.current), NOW + 30.0, 2)
    bench.store.replace_token("one", spent, expected_generation=1)
    assert await source.renew(OLD) == Replacement(NEW)
    assert bench.server.refreshes == 1


async def test_a_token_is_rejected_into_renewal_once_a_minute(bench: Logins) -> None:
    source = bench.keeper.source("one")
    assert await source.renew(OLD) == Replacement(NEW)
    bench.time.advance(20)
    assert await source.renew(NEW) == Replacement(NEW, 40.0), "a refusal of it says nothing yet"
    bench.time.advance(41)
    assert await source.renew(NEW) == Replacement("canary-access-2")
    assert bench.server.refreshes == 2


async def test_a_token_that_nothing_can_renew_is_tried_once_more_when_it_is_refused(bench: Logins) -> None:
    bench.sql("DELETE FROM registration")
    source = bench.keeper.source("one")
    for _ in range(2):
        assert await source.renew(OLD) == Replacement(OLD), "the second refusal ends the login"
    bench.expire(left=30)
    assert await source.token() == OLD
    bench.expire()
    bench.time.advance(300)
    with pytest.raises(LoginRequired, match="nothing to renew it with"):
        await source.token()


async def test_while_the_old_token_lives_a_failure_costs_one_attempt_a_minute(bench: Logins) -> None:
    bench.server.script.extend([error("server_error")] * 2)
    source = bench.keeper.source("one")
    bench.expire(left=300)
    for attempts in (1, 1, 2, 2):
        assert await source.token() == OLD
        await bench.keeper.aclose()
        assert bench.server.refreshes == attempts
        bench.time.advance(31)
    assert await source.token() == OLD
    await bench.keeper.aclose()
    assert await source.token() == NEW


async def test_in_the_last_minute_a_failure_is_not_the_requests(bench: Logins) -> None:
    bench.server.script.append(error("slow_down"))
    bench.expire(left=50)
    source = bench.keeper.source("one")
    assert await source.token() == OLD
    assert await source.token() == OLD
    assert bench.server.refreshes == 1


async def test_without_a_valid_token_a_failure_backs_off_further_and_further(bench: Logins) -> None:
    bench.server.script.extend([error("server_error", "canary-refresh-0")] * 9)
    bench.expire()
    source = bench.keeper.source("one")
    waits = []
    for attempt in range(1, 10):
        with pytest.raises(BackendUnavailable) as caught:
            await source.token()
        assert bench.server.refreshes == attempt
        with pytest.raises(BackendUnavailable, match="server_error"):
            await source.token()
        assert bench.server.refreshes == attempt
        wait = caught.value.retry_after
        assert wait is not None
        waits.append(wait)
        bench.time.advance(wait)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert await source.token() == NEW


async def test_a_refused_renewal_needs_a_person_and_is_not_repeated(bench: Logins) -> None:
    bench.server.script.append(error("invalid_grant", "canary-refresh-0"))
    bench.expire()
    source = bench.keeper.source("one")
    for _ in range(2):
        with pytest.raises(LoginRequired, match=r"'mine' has ended: .*invalid_grant.*cwproxy login") as caught:
            await source.token()
        assert bench.server.refreshes == 1
    with pytest.raises(LoginRequired):
        await source.renew(OLD)
    assert bench.token.access_token == Secret(OLD)
    assert caught.value.message


async def test_a_new_login_elsewhere_is_noticed(bench: Logins) -> None:
    bench.store.quarantine("one", "refused", expected_generation=1)
    source = bench.keeper.source("one")
    with pytest.raises(LoginRequired, match="refused"):
        await source.token()
    bench.store.replace_login("one", a_token(5), a_registration())
    assert await source.token() == "canary-access-5"


async def test_a_removed_account_says_so(bench: Logins) -> None:
    bench.store.remove("one")
    with pytest.raises(LoginRequired, match="no such login"):
        await bench.keeper.source("one").token()


async def test_while_the_store_cannot_reserve_nothing_is_spent(bench: Logins) -> None:
    bench.fail_writes("refresh_started")
    source = bench.keeper.source("one")
    bench.expire(left=30)
    assert await source.token() == OLD
    bench.expire()
    for _ in range(2):
        with pytest.raises(StoreError, match="disk is full"):
            await source.token()
    assert bench.server.refreshes == 0
    bench.allow_writes()
    bench.time.advance(60)
    assert await source.token() == NEW


async def test_a_store_that_was_away_for_long_is_asked_again_soon(bench: Logins) -> None:
    """The login service is asked less and less often; a store, of which nothing was asked, every five seconds."""
    bench.fail_writes("refresh_started")
    source = bench.keeper.source("one")
    bench.expire()
    for _ in range(8):
        with pytest.raises(StoreError):
            await source.token()
        bench.time.advance(5)
    bench.allow_writes()
    assert await source.token() == NEW


async def test_a_token_that_cannot_be_stored_lives_in_memory_and_is_stored_later(
    bench: Logins, caplog: pytest.LogCaptureFixture
) -> None:
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    pauses: list[float] = []

    def after_three_pauses(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            bench.allow_writes()

    bench.time.on_sleep = after_three_pauses
    source = bench.keeper.source("one")
    assert await source.token() == NEW
    assert await source.token() == NEW
    await until(lambda: bench.token.generation == 2)
    assert bench.token.access_token == Secret(NEW)
    assert set(pauses) == {5.0}
    critical = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(critical) >= 2
    assert "canary" not in caplog.text


def fresh(number: int) -> dict[str, object]:
    return {
        "accessToken": f"canary-access-{number}",
        "refreshToken": f"canary-refresh-{number}",
        "expiresIn": 3600,
        "tokenType": "Bearer",
    }


async def test_the_next_renewal_of_an_unstored_token_begins_with_it(bench: Logins) -> None:
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    source = bench.keeper.source("one")
    assert await source.token() == NEW
    bench.server.script.append(Answer(body=fresh(2)))
    bench.time.advance(3600)
    assert await source.token() == "canary-access-2"
    assert bench.server.calls[-1][1]["refreshToken"] == "canary-refresh-1"
    bench.allow_writes()

    def stored_in_time() -> bool:
        bench.time.advance(5)  # whenever the next attempt has been planned, its time comes
        return bench.token.generation == 3

    await until(stored_in_time)
    assert bench.token.refresh_token == Secret("canary-refresh-2")


async def test_an_unstored_token_replaces_the_older_unstored_one_that_was_stored_first(bench: Logins) -> None:
    """The attempt to store the older one may end, with success, after the newer one has been made."""
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    source = bench.keeper.source("one")
    assert await source.token() == NEW
    bench.server.script.append(Answer(body=fresh(2)))
    bench.time.advance(3600)
    assert await source.token() == "canary-access-2"
    bench.script(
        "BEGIN IMMEDIATE; DROP TRIGGER full_insert; DROP TRIGGER full_update; "
        "UPDATE token SET generation = 2, access_token = 'canary-access-1', refresh_token = 'canary-refresh-1'; COMMIT"
    )
    await until(lambda: bench.token.generation == 3)
    assert bench.token.refresh_token == Secret("canary-refresh-2")


async def test_closing_stores_what_was_not_stored(bench: Logins) -> None:
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    await bench.keeper.source("one").token()
    bench.allow_writes()
    await bench.keeper.aclose()
    assert bench.token.access_token == Secret(NEW)


async def test_closing_tries_on_for_half_a_minute_to_store_what_was_not_stored(
    bench: Logins, caplog: pytest.LogCaptureFixture
) -> None:
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    await bench.keeper.source("one").token()
    pauses: list[float] = []

    def at_last(seconds: float) -> None:
        pauses.append(seconds)
        if pauses.count(LAST_PAUSE_SECONDS) == 10:
            bench.time.on_sleep = None
            bench.allow_writes()

    bench.time.on_sleep = at_last
    await bench.keeper.aclose()
    assert bench.token.access_token == Secret(NEW)
    assert "log in again" not in caplog.text


async def test_a_login_that_could_not_be_stored_in_the_end_is_said_to_be_lost(
    bench: Logins, caplog: pytest.LogCaptureFixture
) -> None:
    bench.expire()
    bench.server.script.append(Answer(effect=lambda: bench.fail_writes("token"), body=fresh(1)))
    await bench.keeper.source("one").token()
    await bench.keeper.aclose()
    assert "the login of account one could not be stored and is lost" in caplog.text
    assert "canary" not in caplog.text


async def test_closing_waits_for_a_running_renewal(bench: Logins) -> None:
    bench.expire(left=300)
    release = bench.server.hold()
    await bench.keeper.source("one").token()
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    closing = asyncio.ensure_future(bench.keeper.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    release()
    await closing
    assert bench.token.access_token == Secret(NEW)


async def test_closing_does_not_wait_for_ever(bench: Logins) -> None:
    bench.expire(left=300)
    release = bench.server.hold()
    source = bench.keeper.source("one")
    await source.token()
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    await source.aclose(within=0.05)
    release()
    assert bench.token.generation == 1
    assert bench.store.unfinished("one") is not None


async def test_a_request_waits_so_long_and_no_longer(bench: Logins) -> None:
    keeper = bench.keeper_of(patience=0.05)
    source = keeper.source("one")
    release = bench.server.hold()
    bench.expire(left=30)
    assert await source.token() == OLD
    bench.expire()
    with pytest.raises(BackendUnavailable) as caught:
        await source.token()
    assert (caught.value.reason, caught.value.retry_after) == ("login_not_renewed", 5.0)
    release()
    await keeper.aclose()
    assert await source.token() == NEW
    assert bench.server.refreshes == 1


async def test_where_another_account_is_free_a_renewal_is_left_to_itself(bench: Logins) -> None:
    keeper = bench.keeper_of(short_patience=0.0)
    source = keeper.source("one")
    await source.token()
    release = bench.server.hold()
    bench.expire()
    assert source.awaited
    for _ in range(2):
        with pytest.raises(LoginAwaited) as caught:
            await Hurried(source, lambda: True).token()
    assert (caught.value.reason, caught.value.retry_after) == ("login_not_renewed", 5.0)
    stayer = asyncio.ensure_future(source.token())
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    release()
    assert await stayer == NEW
    assert not source.awaited
    assert await Hurried(source, lambda: True).token() == NEW
    assert bench.server.refreshes == 1
    await keeper.aclose()


async def test_a_renewal_has_two_seconds_from_its_start(bench: Logins) -> None:
    source = bench.keeper.source("one")
    release = bench.server.hold()
    bench.expire()
    first = asyncio.ensure_future(source.token())
    await asyncio.to_thread(bench.server.arrived.wait, SECONDS)
    bench.time.advance(2.0)
    with pytest.raises(LoginAwaited):
        await Hurried(source, lambda: True).token()
    release()
    assert await first == NEW


async def test_a_refused_token_is_awaited_until_it_is_renewed(bench: Logins) -> None:
    keeper = bench.keeper_of(short_patience=0.0)
    source = keeper.source("one")
    release = bench.server.hold()
    assert await source.token() == OLD
    with pytest.raises(LoginAwaited):
        await Hurried(source, lambda: True).renew(OLD)
    assert source.awaited
    release()
    assert await source.renew(OLD) == Replacement(NEW)
    assert not source.awaited
    assert bench.server.refreshes == 1
    await keeper.aclose()


async def test_where_nobody_is_free_a_request_waits_and_looks_again(bench: Logins) -> None:
    keeper = bench.keeper_of(short_patience=0.0)
    source = keeper.source("one")
    release = bench.server.hold()
    bench.expire()
    looks: list[bool] = []

    def look() -> bool:
        looks.append(False)
        if len(looks) == 2:
            release()
        return False

    assert await Hurried(source, look).token() == NEW
    assert len(looks) >= 2
    await keeper.aclose()


async def test_an_account_that_becomes_free_is_found(bench: Logins) -> None:
    keeper = bench.keeper_of(short_patience=0.0)
    release = bench.server.hold()
    bench.expire()
    free = iter([False, True])
    with pytest.raises(LoginAwaited):
        await Hurried(keeper.source("one"), lambda: next(free)).token()
    release()
    await keeper.aclose()
    assert bench.token.generation == 2


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
async def test_a_clock_that_is_set_costs_one_renewal_at_most(bench: Logins, jump: float) -> None:
    source = bench.keeper.source("one")
    await source.token()
    bench.time.wall += jump
    for _ in range(5):
        await source.token()
    await bench.keeper.aclose()
    assert bench.server.refreshes == (1 if jump > 0 else 0)
    bench.time.running += 3601.0
    for _ in range(5):
        await source.token()
    assert bench.server.refreshes == (2 if jump > 0 else 1)


@pytest.mark.parametrize("life", [60, 300])
async def test_a_short_life_does_not_mean_a_renewal_per_request(bench: Logins, life: int) -> None:
    bench.server.token_members = {"expiresIn": life}
    bench.expire()
    source = bench.keeper.source("one")
    for _ in range(10):
        await source.token()
    await bench.keeper.aclose()
    assert bench.server.refreshes == 1


async def test_a_late_reader_does_not_bring_an_old_token_back(bench: Logins) -> None:
    proceed = threading.Event()

    class Slow(Store):
        """The first reader gets what it has read only when everything else is over."""

        first = True

        def token(self, account_id: str) -> Token | None:
            token, first = super().token(account_id), self.first
            self.first = False
            if first:
                proceed.wait(SECONDS)
            return token

    with Slow.open(bench.directory) as store:
        keeper = bench.keeper_of(store)
        source = keeper.source("one")
        late = asyncio.ensure_future(source.token())
        await until(lambda: not store.first)
        await source.renew(OLD)
        proceed.set()
        assert await late == NEW
        assert await source.token() == NEW
        await keeper.aclose()
    assert bench.server.refreshes == 1


@pytest.mark.parametrize(("left", "renewed"), [(730, 0), (470, 1)])
async def test_the_default_jitter_stays_within_two_minutes(bench: Logins, left: float, renewed: int) -> None:
    keeper = TokenKeeper(bench.store, LoginServices(endpoint=bench.server.url), clock=bench.time.clock)
    bench.expire(left=left)
    await keeper.source("one").token()
    await keeper.aclose()
    assert bench.server.refreshes == renewed


async def test_a_suspended_account_keeps_its_token(bench: Logins) -> None:
    """Who may be used is decided by the selection; a stream that is running goes on."""
    bench.store.set_state("one", AccountState.SUSPENDED, "by AWS")
    assert await bench.keeper.source("one").token() == OLD


async def test_nothing_that_is_kept_shows_a_secret(bench: Logins, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.expire()
    source = bench.keeper.source("one")
    await source.token()
    assert "canary" not in repr(vars(source)) + repr(vars(bench.keeper)) + caplog.text


async def test_a_refused_token_that_cannot_be_renewed_now_is_no_end_of_the_login(bench: Logins) -> None:
    """It is not shown to the service again: a second refusal would be taken for the end of the login."""
    source = bench.keeper.source("one")
    assert await source.token() == OLD
    bench.server.script.append(error("server_error"))
    for _ in range(2):
        with pytest.raises(BackendUnavailable) as caught:
            await source.renew(OLD)
        assert caught.value.reason == "login_not_renewed"
    bench.time.advance(61)
    assert await source.renew(OLD) == Replacement(NEW)
    assert bench.account.state is AccountState.ACTIVE
