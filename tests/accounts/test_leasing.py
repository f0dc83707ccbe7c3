"""The accounts as one: pool, store, queue and selection together."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from tests.support.fake_clock import FakeClock
from tests.support.fleet import FixedSelector
from tests.support.records import an_account
from tests.support.waiting import until

from cwproxy.accounts.leasing import QUEUE_SECONDS, Accounts, State, Turn
from cwproxy.accounts.pool import (
    Exhausted,
    Failed,
    Failure,
    FailureClass,
    Left,
    Policy,
    Served,
    Strategy,
    Want,
)
from cwproxy.accounts.pool.breaker import Phase
from cwproxy.accounts.selection import Selected
from cwproxy.accounts.sharing import BELIEVED_SECONDS, News
from cwproxy.codewhisperer.surfaces import Surface, Target
from cwproxy.errors import (
    BackendUnavailable,
    LoginRequired,
    ModelNotFound,
    Overloaded,
    QuotaExhausted,
    SettingsError,
    Throttled,
)
from cwproxy.store import Account, AccountKind, AccountState, Store
from cwproxy.store.cooldowns import CoolDowns

pytestmark = pytest.mark.anyio

ANY = Want()
SERVED = Served(1.0)


class Ready(FixedSelector):
    """Everything is ready but what `broken` names."""

    def __init__(self) -> None:
        self.broken: Mapping[str, LoginRequired | SettingsError] = {}

    def selected(self, account: Account) -> Selected:
        if account.id in self.broken:
            raise self.broken[account.id]
        return Selected(account.id, Target(Surface.Q, "us-east-1"), httpx.Auth())


class Replica:
    """A process with all accounts of a store."""

    def __init__(self, store: Store, time: FakeClock, policy: Policy | None = None) -> None:
        self.store = store
        self.time = time
        self.selector = Ready()
        self.accounts = Accounts(
            store, CoolDowns(store.database), self.selector, policy=policy, clock=time.clock, chance=lambda: 0.5
        )

    async def fails(self, kind: FailureClass, want: Want = ANY, retry_after: float | None = None) -> str:
        turn = await self.accounts.lease(want)
        turn.settle(Failed(Failure(kind, retry_after=retry_after, detail=kind.value)))
        return turn.selected.account_id

    async def serves(self, want: Want = ANY) -> str:
        turn = await self.accounts.lease(want)
        turn.heard()
        turn.settle(SERVED)
        return turn.selected.account_id

    async def later(self, seconds: float = BELIEVED_SECONDS) -> None:
        """What was found is stored, and the second has passed."""
        await until(lambda: not self.accounts._sharing.unwritten)
        await self.accounts._sharing.aclose()
        self.time.advance(seconds)


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[Replica]:
    with Store.open(tmp_path / "data") as store:
        for number, name in enumerate(("one", "two", "three")):
            store.add(an_account(name, label=f"label of {name}", created_at=float(number)))
        replica = Replica(store, FakeClock())
        yield replica
        await replica.accounts.aclose()


async def test_all_accounts_take_turns(replica: Replica) -> None:
    served = [await replica.serves() for _ in range(9)]
    assert {name: served.count(name) for name in ("one", "two", "three")} == {"one": 3, "two": 3, "three": 3}


async def test_a_turn_is_settled_once(replica: Replica) -> None:
    turn = await replica.accounts.lease(ANY)
    turn.settle(SERVED)
    turn.settle(Failed(Failure(FailureClass.SUSPENDED)))
    turn.heard()
    assert {await replica.serves() for _ in range(6)} == {"one", "two", "three"}


async def test_a_suspended_account_is_left_alone_here_and_everywhere(replica: Replica) -> None:
    other = Replica(replica.store, replica.time)
    await other.serves()
    gone = await replica.fails(FailureClass.SUSPENDED)
    assert gone not in {await replica.serves() for _ in range(6)}
    await replica.later()
    assert gone not in {await other.serves() for _ in range(6)}
    account = replica.store.account(gone)
    assert account is not None
    assert account.state is AccountState.SUSPENDED
    await other.accounts.aclose()


async def test_nothing_at_all_is_asked_of_a_suspended_account(replica: Replica) -> None:
    gone = await replica.fails(FailureClass.SUSPENDED)
    assert replica.accounts.resting(gone)
    assert gone not in {selected.account_id for selected in await replica.accounts.usable()}


async def test_a_suspended_account_is_left_alone_when_the_store_has_it_but_was_not_read_again(replica: Replica) -> None:
    first = await replica.fails(FailureClass.SUSPENDED)
    await until(lambda: not replica.accounts._sharing.unwritten)
    second = await replica.fails(FailureClass.SUSPENDED)
    replica.accounts.learn_quota(second, 0.5, None)
    assert {await replica.serves() for _ in range(6)}.isdisjoint({first, second})


async def test_cool_downs_are_seen_by_other_replicas_within_two_seconds(replica: Replica) -> None:
    other = Replica(replica.store, replica.time)
    await other.serves()
    tired = await replica.fails(FailureClass.THROTTLED, retry_after=60.0)
    await until(lambda: len(CoolDowns(replica.store.database).since(0).changes) == 1)
    replica.time.advance(1.9)
    assert tired not in {await other.serves() for _ in range(6)}
    await other.accounts.aclose()


async def test_cool_downs_outlive_a_restart(replica: Replica) -> None:
    tired = await replica.fails(FailureClass.LONG_QUOTA)
    await replica.later()
    after = Replica(replica.store, replica.time)
    assert tired not in {await after.serves() for _ in range(6)}
    assert after.accounts.resting(tired)
    assert not after.accounts.resting("nobody")
    await after.accounts.aclose()


async def test_a_person_can_bring_an_account_back(replica: Replica) -> None:
    gone = await replica.fails(FailureClass.SUSPENDED)
    tired = await replica.fails(FailureClass.LONG_QUOTA)
    await replica.later()
    assert {gone, tired}.isdisjoint({await replica.serves() for _ in range(6)})
    for name in (gone, tired):
        replica.accounts.recover(name)
    assert not replica.accounts.resting(tired)
    await replica.later()
    await replica.serves()
    await replica.later()
    assert {await replica.serves() for _ in range(9)} == {"one", "two", "three"}
    account = replica.store.account(gone)
    assert account is not None
    assert account.state is AccountState.ACTIVE


async def test_to_switch_an_account_on_ends_what_this_process_holds_against_it(replica: Replica) -> None:
    while (await replica.accounts.report())["one"].breaker.phase is not Phase.OPEN:
        turn = await replica.accounts.lease(ANY)
        turn.settle(Failed(Failure(FailureClass.SERVER)) if turn.selected.account_id == "one" else SERVED)
        replica.time.advance(5.0)
    replica.store.set_disabled("one", True)
    await replica.later()
    assert {await replica.serves() for _ in range(6)} == {"two", "three"}
    replica.store.set_disabled("one", False)
    await replica.later()
    assert {await replica.serves() for _ in range(6)} == {"one", "two", "three"}


async def test_accounts_come_go_and_are_switched_off(replica: Replica) -> None:
    replica.store.remove("one")
    replica.store.set_state("two", AccountState.NEEDS_LOGIN, "because")
    assert {await replica.serves() for _ in range(3)} == {"three"}
    replica.store.add(an_account("four", created_at=4.0))
    await replica.later()
    assert {await replica.serves() for _ in range(4)} == {"three", "four"}


async def test_the_last_account_may_go(replica: Replica) -> None:
    await replica.serves()
    for name in ("one", "two", "three"):
        replica.store.remove(name)
    await replica.later()
    with pytest.raises(LoginRequired, match="No account is logged in"):
        await replica.accounts.lease(ANY)
    with pytest.raises(LoginRequired):
        await replica.accounts.usable()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FailureClass.LONG_QUOTA, QuotaExhausted),
        (FailureClass.SUSPENDED, LoginRequired),
        (FailureClass.CREDENTIAL, LoginRequired),
    ],
)
async def test_when_all_are_out_it_says_why(replica: Replica, kind: FailureClass, error: type[Exception]) -> None:
    for _ in range(3):
        await replica.fails(kind)
    with pytest.raises(error):
        await replica.accounts.lease(ANY)


async def test_a_long_cool_down_of_all_is_for_the_client_to_wait(replica: Replica) -> None:
    for _ in range(3):
        await replica.fails(FailureClass.THROTTLED, retry_after=40.0)
    with pytest.raises(Throttled) as caught:
        await replica.accounts.lease(ANY)
    assert caught.value.retry_after == pytest.approx(44.0), "and a tenth, by chance"


async def test_a_short_cool_down_of_all_is_waited_for(replica: Replica) -> None:
    for _ in range(3):
        await replica.fails(FailureClass.THROTTLED, retry_after=3.0)
    waiting = asyncio.ensure_future(replica.serves())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    replica.time.advance(5.0)
    assert await waiting in {"one", "two", "three"}


async def full(replica: Replica) -> list[Turn]:
    """Every account has as many calls in flight as it may."""
    return [await replica.accounts.lease(ANY) for _ in range(24)]


async def test_when_all_are_busy_the_next_waits_for_a_turn(replica: Replica) -> None:
    turns = await full(replica)
    waiting = asyncio.ensure_future(replica.accounts.lease(ANY))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    turns[7].settle(Left())
    turn = await waiting
    assert turn.selected.account_id == turns[7].selected.account_id
    with pytest.raises(Overloaded) as caught:
        await replica.accounts.lease(ANY, within=0.01)
    assert caught.value.retry_after == 3.0


async def test_an_account_that_goes_while_its_turn_is_on_the_way_serves_nobody(replica: Replica) -> None:
    turns = await full(replica)
    waiting = asyncio.ensure_future(replica.accounts.lease(ANY))
    await asyncio.sleep(0.01)
    gone = turns[0].selected.account_id
    left = tuple(account for account in replica.store.accounts() if account.id != gone)
    turns[0].settle(SERVED)
    replica.accounts._hear(News(left, ()))
    turns[1].settle(SERVED)
    assert (await waiting).selected.account_id != gone
    assert sum(report.in_flight for report in replica.accounts.pool.report(replica.time.wall)) == 16


async def test_the_middle_of_a_request_does_not_queue(replica: Replica) -> None:
    turns = await full(replica)
    assert not isinstance(replica.accounts.other(ANY), Turn)
    turns[0].settle(Left())
    assert isinstance(replica.accounts.other(ANY), Turn)
    tried = frozenset({"one", "two", "three"})
    assert isinstance(replica.accounts.other(Want(tried=tried)), Exhausted)


async def test_accounts_are_chosen_by_what_they_list(replica: Replica) -> None:
    await replica.serves()
    replica.accounts.learn_models("one", frozenset({"a"}))
    replica.accounts.learn_models("two", frozenset({"b"}))
    assert {await replica.serves(Want("a")) for _ in range(4)} == {"one", "three"}
    replica.accounts.learn_models("three", frozenset())
    assert {await replica.serves(Want("a")) for _ in range(2)} == {"one"}
    with pytest.raises(ModelNotFound):
        await replica.accounts.lease(Want("c"))
    replica.accounts.learn_models("three", None)
    assert await replica.serves(Want("c")) == "three"


async def test_the_quota_that_is_left_decides_where_it_is_asked_to(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("one", created_at=1.0))
        store.add(an_account("two", created_at=2.0))
        replica = Replica(store, FakeClock(), Policy(strategy=Strategy.LEAST_USED_QUOTA))
        assert not replica.accounts.sticky
        await replica.serves()
        replica.accounts.learn_quota("one", 0.2, None)
        replica.accounts.learn_quota("two", 0.9, None)
        assert {await replica.serves() for _ in range(4)} == {"two"}
        await replica.accounts.aclose()


async def test_what_can_be_called_is_told_whether_it_rests_or_not(replica: Replica) -> None:
    replica.store.set_state("two", AccountState.SUSPENDED)
    await replica.fails(FailureClass.LONG_QUOTA)
    assert [selected.account_id for selected in await replica.accounts.usable()] == ["one", "three"]
    for name in ("one", "three"):
        replica.store.remove(name)
    await replica.later()
    with pytest.raises(LoginRequired, match="'label of two' is suspended"):
        await replica.accounts.usable()


async def test_to_ask_for_the_state_takes_nobodys_turn(replica: Replica) -> None:
    served = []
    for _ in range(6):
        await replica.accounts.state()
        turn = await replica.accounts.lease(Want())
        served.append(turn.selected.account_id)
        turn.settle(Served(1.0))
    assert sorted(served) == ["one", "one", "three", "three", "two", "two"]


async def test_the_state_of_all(replica: Replica) -> None:
    def well(said: str) -> State:
        return State(True, said, said)

    assert await replica.accounts.state() == well("3 of 3 accounts are logged in")
    replica.store.set_state("one", AccountState.NEEDS_LOGIN)
    await replica.later()
    assert await replica.accounts.state() == well("2 of 3 accounts are logged in; 1 without a valid login")
    for name in ("one", "two"):
        replica.store.remove(name)
    await replica.later()
    assert await replica.accounts.state() == well("an account is logged in")
    replica.store.set_state("three", AccountState.SUSPENDED, "why")
    await replica.later()
    state = await replica.accounts.state()
    assert state.detail == "Account 'label of three' is suspended by AWS: why"
    assert (state.ready, state.counts) == (False, "no account can be used; 1 suspended by AWS")
    replica.store.remove("three")
    await replica.later()
    assert (await replica.accounts.state()).counts == "no account is logged in"


@pytest.mark.parametrize(
    ("kind", "retry_after", "ready"),
    [
        (FailureClass.LONG_QUOTA, None, False),
        (FailureClass.SHORT_QUOTA, None, False),
        (FailureClass.REFUSED, None, False),
        (FailureClass.THROTTLED, 3_600.0, True),
    ],
)
async def test_accounts_that_are_all_out_for_long_are_not_ready(
    replica: Replica, kind: FailureClass, retry_after: float | None, ready: bool
) -> None:
    for left in (2, 1, 0):
        await replica.fails(kind, retry_after=retry_after)
        assert (await replica.accounts.state()).ready is (ready or left > 0)
    assert (await replica.accounts.state()).counts.startswith("3 of 3 accounts are logged in. ")


@pytest.mark.parametrize("error", [LoginRequired("Which surface?"), SettingsError("Which region?")])
async def test_an_account_that_no_call_can_be_made_with_stops_no_other(
    replica: Replica, error: LoginRequired | SettingsError
) -> None:
    replica.selector.broken = {"two": error}
    assert {await replica.serves() for _ in range(4)} == {"one", "three"}
    for name in ("one", "three"):
        replica.store.remove(name)
    await replica.later()
    with pytest.raises(LoginRequired, match="Which"):
        await replica.accounts.lease(ANY)


async def test_a_person_cannot_bring_back_an_account_that_no_call_can_be_made_with(replica: Replica) -> None:
    replica.selector.broken = dict.fromkeys(("one", "two", "three"), SettingsError("Which region?"))
    await replica.accounts.report()
    for name in ("one", "two", "three"):
        replica.accounts.recover(name)
    async with asyncio.timeout(QUEUE_SECONDS - 1.0):
        with pytest.raises(LoginRequired, match="Which region"):
            await replica.accounts.lease(ANY)
    assert isinstance(replica.accounts.other(ANY), Exhausted)


async def test_a_lease_without_a_way_to_call_is_given_back(replica: Replica) -> None:
    await replica.serves()
    replica.accounts._selected.clear()
    assert isinstance(replica.accounts.other(ANY), Exhausted)
    async with asyncio.timeout(QUEUE_SECONDS - 1.0):
        with pytest.raises(BackendUnavailable):
            await replica.accounts.lease(ANY)
    assert sum(report.in_flight for report in replica.accounts.pool.report(replica.time.wall)) == 0


async def test_credentials_of_other_programs_are_tried_again_after_a_while(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        store.add(an_account("iam", AccountKind.IAM))
        replica = Replica(store, FakeClock())
        await replica.fails(FailureClass.CREDENTIAL)
        with pytest.raises(LoginRequired):
            await replica.accounts.lease(ANY)
        await replica.later(3_600.0)
        assert await replica.serves() == "iam"
        await replica.accounts.aclose()
