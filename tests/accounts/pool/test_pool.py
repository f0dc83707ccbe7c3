from collections import Counter
from itertools import pairwise

import pytest
from tests.support.pools import START, Pond

from cwproxy.accounts.pool import (
    Busy,
    Change,
    Exhausted,
    Failed,
    Failure,
    FailureClass,
    Lease,
    Left,
    Member,
    Policy,
    Pool,
    Served,
    Shortage,
    Standing,
    Strategy,
    Want,
)
from cwproxy.accounts.pool import changes as scopes
from cwproxy.accounts.pool.breaker import Phase

F = FailureClass
MIDNIGHT = 1_790_035_200.0
OCTOBER = 1_790_812_800.0


def test_healthy_accounts_serve_in_turn() -> None:
    pond = Pond("a", "b", "c")
    assert "".join(pond.serve() for _ in range(9)) == "abcabcabc"


def test_calls_are_in_proportion_to_the_weights_at_every_moment() -> None:
    pond = Pond(Member("a", "A", weight=3.0), Member("b", "B", weight=1.0), Member("c", "C", weight=0.5))
    counts: Counter[str] = Counter()
    for calls in range(1, 901):
        counts[pond.serve()] += 1
        for name, part in (("a", 3 / 4.5), ("b", 1 / 4.5), ("c", 0.5 / 4.5)):
            assert abs(counts[name] - calls * part) < 2.0
    assert counts == {"a": 600, "b": 200, "c": 100}


def test_an_account_that_comes_back_is_not_given_what_it_has_missed() -> None:
    pond = Pond("a", "b")
    pond.trouble("a", F.THROTTLED)
    assert {pond.serve() for _ in range(100)} == {"b"}
    pond.wait(5.0)
    counts = Counter(pond.serve() for _ in range(20))
    assert abs(counts["a"] - counts["b"]) <= 2


def test_a_new_account_is_not_flooded() -> None:
    pond = Pond("a", "b")
    for _ in range(100):
        pond.serve()
    pond.become("a", "b", "c")
    counts = Counter(pond.serve() for _ in range(30))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_an_account_that_the_request_has_left_is_not_chosen_again() -> None:
    pond = Pond("a", "b")
    assert pond.serve(tried=["a"]) == "b"
    assert pond.serve(tried=["b"]) == "a"
    answer = pond.exhausted(tried=["a", "b"])
    assert (answer.reason, answer.retry_after) == (Shortage.TRIED, None)


def test_a_lease_counts_until_it_is_settled_and_only_once() -> None:
    pond = Pond(Member("a", "A", in_flight_limit=2))
    first, second = pond.lease(), pond.lease()
    assert first.number != second.number
    assert pond.busy()
    pond.settle(first, Left())
    pond.settle(first, Left())
    assert isinstance(pond.choose(), Lease)
    assert pond.busy()
    assert pond.pool.heard(first, pond.now) == ()


def test_the_limit_of_a_model_is_its_own() -> None:
    pond = Pond(Member("a", "A", model_limits={"big": 1}))
    lease = pond.lease("big")
    assert pond.busy("big")
    other = pond.lease("small")
    pond.lease(None)
    pond.settle(lease, Served(1.0))
    pond.settle(other, Served(1.0))
    assert isinstance(pond.choose("big"), Lease)


def test_only_accounts_that_list_the_model_serve_it() -> None:
    pond = Pond(Member("a", "A", models=frozenset({"m"})), Member("b", "B", models=frozenset({"n"})), Member("c", "C"))
    assert {pond.serve(model="m") for _ in range(10)} == {"a", "c"}
    assert {pond.serve(model="n") for _ in range(10)} == {"b", "c"}
    assert {pond.serve() for _ in range(10)} == {"a", "b", "c"}
    pond.become(Member("a", "A", models=frozenset({"m"})), Member("b", "B", standing=Standing.NEEDS_LOGIN))
    assert pond.exhausted("x").reason is Shortage.MODEL


@pytest.mark.parametrize(
    ("standing", "shortage"),
    [
        (Standing.DISABLED, Shortage.NONE_LOGGED_IN),
        (Standing.NEEDS_LOGIN, Shortage.CREDENTIALS),
        (Standing.MISCONFIGURED, Shortage.CREDENTIALS),
        (Standing.SUSPENDED, Shortage.SUSPENDED),
    ],
)
def test_an_account_that_stands_badly_is_never_asked(standing: Standing, shortage: Shortage) -> None:
    pond = Pond(Member("a", "A", standing=standing), "b")
    assert {pond.serve() for _ in range(10)} == {"b"}
    pond.become(Member("a", "A", standing=standing))
    for _ in range(3):
        pond.wait(86_400.0)
        answer = pond.exhausted()
        assert (answer.reason, answer.retry_after) == (shortage, None)
        assert answer.detail


def test_no_account_at_all() -> None:
    assert Pond().exhausted().reason is Shortage.NONE_LOGGED_IN


def test_each_429_makes_the_account_wait_longer_and_carry_less() -> None:
    pond = Pond("a")
    waits, limits = [], []
    for _ in range(6):
        pond.trouble("a", F.THROTTLED)
        answer = pond.exhausted()
        assert answer.reason is Shortage.THROTTLED
        assert answer.retry_after is not None
        waits.append(answer.retry_after)
        limits.append(pond.report("a").allowed)
        pond.wait(answer.retry_after)
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert limits == [4, 2, 1, 1, 1, 1]
    for _ in range(70):
        pond.serve()
    assert pond.report("a").allowed == 8
    pond.wait(6 * 60.0)
    pond.trouble("a", F.THROTTLED)
    assert pond.exhausted().retry_after == 5.0


def test_calls_that_fail_together_count_as_one_throttling() -> None:
    pond = Pond("a")
    leases = [pond.lease() for _ in range(8)]
    told = [pond.fail(lease, F.THROTTLED) for lease in leases]
    assert [len(changes) for changes in told] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert pond.exhausted().retry_after == 5.0
    assert pond.report("a").allowed == 4


def test_the_wait_that_the_service_asks_for_is_kept() -> None:
    pond = Pond("a")
    first, second = pond.lease(), pond.lease()
    pond.fail(first, F.THROTTLED, retry_after=3600.0)
    assert pond.exhausted().retry_after == 3600.0
    assert pond.fail(second, F.THROTTLED, retry_after=4000.0)[0].until == START + 4000.0


@pytest.mark.parametrize("kind", [F.CREDENTIAL, F.SUSPENDED, F.MISCONFIGURED])
def test_states_are_told_once_and_last(kind: FailureClass) -> None:
    standing = {
        F.CREDENTIAL: Standing.NEEDS_LOGIN,
        F.SUSPENDED: Standing.SUSPENDED,
        F.MISCONFIGURED: Standing.MISCONFIGURED,
    }[kind]
    pond = Pond("a", "b")
    first, second = pond.lease_on("a"), pond.lease_on("a")
    assert pond.fail(first, kind, detail="Why.") == [
        Change("a", scopes.ACCOUNT, None, 0, standing.value, "Why.", START)
    ]
    assert pond.fail(second, kind) == []
    assert {pond.serve() for _ in range(10)} == {"b"}
    assert pond.report("a").standing is standing
    assert pond.report("a").blacklisted is (standing is not Standing.NEEDS_LOGIN)


def test_a_quota_of_minutes_is_tried_again_later_each_time_and_after_midnight() -> None:
    pond = Pond("a", "b")
    for minutes in (5, 10, 20, 40, 80, 160, 320):
        change = pond.trouble("a", F.SHORT_QUOTA)[0]
        assert change.state == scopes.ON
        expected = pond.now + minutes * 60.0
        assert change.until == (expected if expected < MIDNIGHT else MIDNIGHT + 150.0)
        pond.wait(minutes * 60.0 - 1.0)
        if pond.now < MIDNIGHT:
            assert {pond.serve() for _ in range(10)} == {"b"}
        pond.now = change.until
    assert pond.now == MIDNIGHT + 150.0
    assert pond.trouble("a", F.SHORT_QUOTA)[0].until == pond.now + 300.0


def test_one_request_finds_out_whether_the_quota_is_back() -> None:
    pond = Pond("a", "b")
    pond.trouble("a", F.SHORT_QUOTA)
    pond.wait(300.0)
    leases = [pond.lease() for _ in range(6)]
    assert [lease.account_id for lease in leases if lease.probe] == ["a"]
    assert Counter(lease.account_id for lease in leases) == {"a": 1, "b": 5}
    probe = next(lease for lease in leases if lease.probe)
    told = pond.pool.heard(probe, pond.now)
    assert [(change.scope, change.state) for change in told] == [(scopes.QUOTA, scopes.OFF)]
    assert {pond.lease().account_id for _ in range(4)} == {"a", "b"}
    assert pond.settle(probe, Served(1.0)) == []


def test_a_probe_that_is_given_back_leaves_its_place() -> None:
    pond = Pond("a")
    pond.trouble("a", F.SHORT_QUOTA)
    pond.wait(300.0)
    probe = pond.lease()
    assert probe.probe
    assert pond.exhausted().reason is Shortage.QUOTA
    pond.settle(probe, Left())
    assert pond.lease().probe


def test_a_probe_that_nobody_settles_is_not_waited_for_for_ever() -> None:
    pond = Pond("a")
    pond.trouble("a", F.SHORT_QUOTA)
    pond.wait(300.0)
    pond.lease()
    pond.wait(599.0)
    assert pond.exhausted().retry_after == 1.0
    pond.wait(1.0)
    assert pond.lease().probe


def test_a_quota_of_a_month_is_probed_every_six_hours() -> None:
    pond = Pond("a", "b")
    change = pond.trouble("a", F.LONG_QUOTA)[0]
    assert (change.until, change.state) == (OCTOBER + 150.0, scopes.LONG)
    probes = 0
    for _ in range(12 * 20):
        pond.wait(180.0)
        lease = pond.lease()
        if lease.account_id == "a":
            probes += 1
            assert lease.probe
            pond.fail(lease, F.LONG_QUOTA)
        else:
            pond.settle(lease, Served(1.0))
    assert probes == 2  # in twelve hours
    assert pond.report("a").quota_until == OCTOBER + 150.0
    pond.become("a")
    answer = pond.exhausted()
    assert (answer.reason, answer.retry_after) == (Shortage.QUOTA, OCTOBER + 150.0 - pond.now)


def test_the_end_of_a_quota_that_the_service_names_counts() -> None:
    pond = Pond(Member("a", "A", resets_at=START + 5000.0), Member("b", "B", resets_at=START - 1.0))
    assert pond.trouble("a", F.LONG_QUOTA)[0].until == START + 5150.0
    assert pond.trouble("b", F.LONG_QUOTA, until=START + 100.0)[0].until == START + 250.0


def test_a_denial_without_a_reason_is_tried_again() -> None:
    pond = Pond("a", "b")
    first, second = pond.lease_on("a"), pond.lease_on("a")
    assert pond.fail(first, F.REFUSED)[0].until == START + 60.0
    assert pond.fail(second, F.REFUSED) == []
    assert {pond.serve() for _ in range(10)} == {"b"}
    pond.become("a")
    answer = pond.exhausted()
    assert (answer.reason, answer.retry_after) == (Shortage.CREDENTIALS, 60.0)
    pond.wait(60.0)
    probe = pond.lease()
    assert probe.probe
    assert pond.exhausted().retry_after == 1.0
    assert pond.settle(probe, Served(1.0))[0].state == scopes.OFF
    assert not pond.lease().probe


def test_a_model_that_the_account_may_not_use_is_not_asked_of_it_for_an_hour() -> None:
    pond = Pond("a", "b")
    lease = pond.lease_on("a", "m")
    assert pond.fail(lease, F.MODEL_UNKNOWN)[0].scope == "model:m"
    assert {pond.serve(model="m") for _ in range(6)} == {"b"}
    assert {pond.serve(model="n") for _ in range(6)} == {"a", "b"}
    pond.fail(pond.lease_on("b", "m"), F.MODEL_UNKNOWN)
    answer = pond.exhausted("m")
    assert (answer.reason, answer.retry_after) == (Shortage.MODEL, 3600.0)
    pond.wait(3600.0)
    assert {pond.serve(model="m") for _ in range(6)} == {"a", "b"}
    assert pond.trouble("a", F.MODEL_UNKNOWN) == []


def test_an_overloaded_model_is_left_alone_and_no_account_is_punished() -> None:
    pond = Pond("a", "b")
    for _ in range(3):
        pond.fail(pond.lease("m"), F.CAPACITY)
    answer = pond.exhausted("m")
    assert (answer.reason, answer.retry_after) == (Shortage.CAPACITY, 10.0)
    assert {pond.serve(model="n") for _ in range(6)} == {"a", "b"}
    assert [report.consecutive_errors for report in pond.pool.report(pond.now)] == [0, 0]
    pond.wait(10.0)
    probe = pond.lease("m")
    assert probe.probe
    assert pond.exhausted("m").reason is Shortage.CAPACITY
    pond.pool.heard(probe, pond.now)
    assert not pond.lease("m").probe


def test_a_model_that_mostly_answers_is_not_overloaded() -> None:
    pond = Pond("a", "b")
    for _ in range(10):
        pond.fail(pond.lease("m"), F.CAPACITY)
        pond.serve(model="m")
        pond.serve(model="m")


def test_an_account_that_keeps_failing_is_opened() -> None:
    pond = Pond("a", "b")
    for failures in range(1, 6):
        pond.trouble("a", F.BROKEN_STREAM)
        assert pond.report("a").consecutive_errors == failures
    assert pond.report("a").breaker.until == pond.now + 30.0
    assert {pond.serve() for _ in range(10)} == {"b"}
    pond.wait(30.0)
    first = pond.lease()
    while first.account_id != "a":
        first = pond.lease()
    assert first.probe
    assert {pond.lease().account_id for _ in range(4)} == {"b"}
    pond.settle(first, Served(1.0))
    second = pond.lease_on("a")
    assert second.probe
    pond.settle(second, Served(1.0))
    assert not pond.lease_on("a").probe


def test_an_account_that_has_just_failed_is_the_second_choice() -> None:
    pond = Pond("a", "b")
    pond.trouble("a", F.SERVER)
    assert {pond.serve() for _ in range(10)} == {"b"}
    assert pond.serve(tried=["b"]) == "a"
    assert {pond.serve() for _ in range(10)} == {"a", "b"}
    pond.trouble("a", F.SERVER)
    pond.wait(10.0)
    assert {pond.serve() for _ in range(10)} == {"a", "b"}


@pytest.mark.parametrize("kind", [F.SERVER, F.TIMEOUT, F.BROKEN_STREAM, F.API_CHANGED])
def test_a_lone_account_is_never_opened(kind: FailureClass) -> None:
    pond = Pond("a", Member("b", "B", standing=Standing.SUSPENDED))
    for _ in range(50):
        pond.trouble("a", kind)
    assert pond.report("a").breaker.until is None
    assert pond.report("a").consecutive_errors == 50


def test_an_account_that_becomes_lone_goes_on_although_it_is_open() -> None:
    pond = Pond("a", "b")
    for _ in range(5):
        pond.trouble("a", F.BROKEN_STREAM)
    pond.become(Member("a", "A", in_flight_limit=2))
    first, second = pond.lease(), pond.lease()
    assert first.probe
    assert pond.busy()
    pond.settle(first, Served(1.0))
    pond.settle(second, Served(1.0))
    assert not pond.lease().probe


def test_when_all_are_open_each_is_tried_every_five_seconds() -> None:
    pond = Pond(Member("a", "A", endpoint="x"), Member("b", "B", endpoint="y"))
    for name in ("a", "b"):
        for _ in range(5):
            pond.trouble(name, F.BROKEN_STREAM)
    leases = [pond.lease(), pond.lease()]
    assert {lease.account_id for lease in leases} == {"a", "b"}
    assert all(lease.probe for lease in leases)
    answer = pond.exhausted()
    assert (answer.reason, answer.retry_after) == (Shortage.BREAKER, 5.0)
    for lease in leases:
        pond.fail(lease, F.BROKEN_STREAM)
    pond.wait(5.0)
    for lease in [pond.lease(), pond.lease()]:
        pond.settle(lease, Served(1.0))
    assert [report.breaker.phase.value for report in pond.pool.report(pond.now)] == ["half_open", "half_open"]


def test_an_endpoint_that_cannot_be_reached_is_no_accounts_fault() -> None:
    pond = Pond("a", "b")
    for _ in range(5):
        pond.fail(pond.lease(), F.CONNECTION)
    answer = pond.exhausted()
    assert (answer.reason, answer.retry_after) == (Shortage.BREAKER, 5.0)
    assert [report.consecutive_errors for report in pond.pool.report(pond.now)] == [0, 0]
    pond.wait(5.0)
    probe = pond.lease()
    assert probe.probe
    assert pond.exhausted().reason is Shortage.BREAKER
    pond.fail(probe, F.THROTTLED)  # it has answered
    assert not pond.lease().probe


def test_another_endpoint_is_still_there() -> None:
    pond = Pond(Member("a", "A", endpoint="x"), Member("b", "B", endpoint="y"))
    for _ in range(5):
        pond.trouble("a", F.CONNECTION)
    assert {pond.serve() for _ in range(10)} == {"b"}
    assert [(each.name, each.breaker.phase.value) for each in pond.pool.endpoints(pond.now)] == [
        ("x", "open"),
        ("y", "closed"),
    ]


def test_when_all_accounts_see_server_faults_it_is_the_endpoint() -> None:
    pond = Pond("a", "b", "c")
    for name in "abcab":
        pond.trouble(name, F.SERVER)
    assert pond.exhausted().reason is Shortage.BREAKER
    assert pond.pool.endpoints(pond.now)[0].breaker.until == pond.now + 5.0
    assert [report.breaker.consecutive for report in pond.pool.report(pond.now)] == [0, 0, 0]


def test_when_one_account_sees_them_it_is_the_account() -> None:
    pond = Pond("a", "b")
    for _ in range(5):
        pond.trouble("a", F.SERVER)
    assert pond.report("a").breaker.until == pond.now + 30.0
    assert pond.pool.endpoints(pond.now)[0].breaker.until is None


def test_an_empty_answer_and_a_client_that_leaves_judge_nobody() -> None:
    pond = Pond("a", "b")
    for _ in range(20):
        assert pond.fail(pond.lease(), F.EMPTY) == []
        assert pond.settle(pond.lease(), Left()) == []
    report = pond.report("a")
    assert (report.consecutive_errors, report.breaker.consecutive) == (0, 0)
    assert report.errors == {F.EMPTY: report.requests}


def test_the_state_of_accounts_that_stay_is_kept() -> None:
    pond = Pond("a", "b")
    pond.trouble("a", F.THROTTLED)
    pond.become("b", "c", Member("a", "New", weight=2.0))
    assert {pond.serve() for _ in range(10)} == {"b", "c"}
    assert pond.report("a").label == "New"
    pond.become("b")
    pond.become("a", "b")
    assert {pond.serve() for _ in range(10)} == {"a", "b"}


def test_an_account_that_comes_back_still_has_its_calls_in_flight() -> None:
    pond = Pond(Member("a", "A", in_flight_limit=1))
    lease = pond.lease()
    pond.become()
    pond.become(Member("a", "A", in_flight_limit=1))
    assert pond.busy()
    pond.become()
    pond.settle(lease, Served(1.0))
    pond.become(Member("a", "A", in_flight_limit=1))
    assert pond.report("a").successes == 0
    assert isinstance(pond.choose(), Lease)


def test_an_account_that_is_named_twice_is_there_once() -> None:
    pond = Pond("a", "b", "a")
    assert [report.account_id for report in pond.pool.report(pond.now)] == ["a", "b"]


def test_what_one_replica_finds_the_other_keeps_to() -> None:
    here, there = Pond("a", "b"), Pond("a", "b")
    here.trouble("a", F.THROTTLED)
    here.trouble("b", F.LONG_QUOTA)
    here.wait(5.0)
    here.fail(here.lease_on("a", "m"), F.MODEL_UNKNOWN)
    there.wait(5.0)
    there.pool.adopt(here.changes, there.now)
    assert there.report("b").quota_until == OCTOBER + 150.0
    assert there.report("b").quota_probe_at == START + 6 * 3600.0
    assert there.exhausted("m").reason is Shortage.QUOTA
    assert {there.serve() for _ in range(5)} == {"a"}


def test_older_news_do_not_replace_newer_ones() -> None:
    pond = Pond("a", "b")
    old = pond.trouble("a", F.SHORT_QUOTA)
    pond.wait(300.0)
    pond.settle(pond.lease_on("a"), Served(1.0))
    pond.pool.adopt(old, pond.now)
    assert {pond.serve() for _ in range(4)} == {"a", "b"}


def test_the_good_news_of_another_replica_count_too() -> None:
    here, there = Pond("a", "b"), Pond("a", "b")
    there.pool.adopt(here.trouble("a", F.SHORT_QUOTA), there.now)
    assert {there.serve() for _ in range(4)} == {"b"}
    here.wait(300.0)
    there.pool.adopt(here.settle(here.lease_on("a"), Served(1.0)), there.now)
    assert {there.serve() for _ in range(4)} == {"a", "b"}


def test_changes_of_accounts_that_are_not_known_yet_wait_for_them() -> None:
    pond = Pond("b")
    pond.pool.adopt([Change("a", scopes.THROTTLED, START + 20.0, 2, scopes.ON, "", START)], pond.now)
    pond.become("a", "b")
    assert {pond.serve() for _ in range(4)} == {"b"}
    assert pond.report("a").backoff_level == 2


def test_the_standing_of_others_comes_with_the_accounts_and_not_as_a_change() -> None:
    pond = Pond("a", "b")
    change = Change("a", scopes.ACCOUNT, None, 0, "suspended", "", START)
    unknown = Change("a", "of a later version", None, 0, "on", "", START)
    pond.pool.adopt([change, unknown], pond.now)
    assert {pond.serve() for _ in range(4)} == {"a", "b"}


def test_a_model_that_a_person_has_cleared_elsewhere_is_asked_for_again() -> None:
    pond = Pond("a")
    pond.fail(pond.lease_on("a", "m"), F.MODEL_UNKNOWN)
    assert pond.exhausted("m").reason is Shortage.MODEL
    cleared = Change("a", scopes.MODEL + "m", None, 0, scopes.OFF, "", pond.now)
    unknown = Change("a", scopes.MODEL + "n", None, 0, scopes.OFF, "", pond.now)
    pond.pool.adopt([cleared, unknown], pond.now)
    assert pond.serve(model="m") == "a"


def test_what_a_person_says_elsewhere_closes_breakers_here() -> None:
    pond = Pond("a", "b")
    pond.fail(pond.lease_on("a"), F.THROTTLED)
    pond.wait(5.0)
    for _ in range(5):
        pond.fail(pond.lease_on("a"), F.BROKEN_STREAM)
        pond.wait(10.0)
    assert pond.report("a").breaker.phase is not Phase.CLOSED
    assert pond.report("a").allowed == 4
    pond.pool.adopt([Change("a", scopes.RECOVERED, None, 0, scopes.OFF, "", pond.now)], pond.now)
    report = pond.report("a")
    assert (report.breaker.phase, report.breaker.times) == (Phase.CLOSED, 0)
    assert (report.allowed, report.consecutive_errors) == (8, 0)
    assert {pond.serve() for _ in range(20)} == {"a", "b"}


def test_recovery_forgets_everything() -> None:
    pond = Pond("a", "b")
    for kind in (F.THROTTLED, F.SHORT_QUOTA, F.REFUSED, F.MODEL_UNKNOWN, F.SUSPENDED):
        pond.become("a", "b")
        pond.pool.recover("a", pond.now)
        pond.fail(pond.lease_on("a", "m"), kind)
    changes = pond.pool.recover("a", pond.now)
    assert [(change.scope, change.state) for change in changes] == [(scopes.ACCOUNT, "active")]
    assert {pond.serve(model="m") for _ in range(12)} == {"a", "b"}
    assert pond.pool.recover("nobody", pond.now) == []


def test_recovery_ends_each_cool_down_for_the_others_too() -> None:
    pond = Pond("a", "b")
    leases = [pond.lease_on("a", "m") for _ in range(4)]
    for lease, kind in zip(leases, (F.THROTTLED, F.SHORT_QUOTA, F.REFUSED, F.MODEL_UNKNOWN), strict=True):
        pond.fail(lease, kind)
    told = pond.pool.recover("a", pond.now)
    assert {(change.scope, change.state) for change in told} == {
        (scope, scopes.OFF) for scope in (scopes.THROTTLED, scopes.QUOTA, scopes.REFUSED, "model:m")
    }
    report = pond.report("a")
    assert report.available
    assert report.allowed == 8
    other = Pond("a", "b")
    other.pool.adopt(pond.changes, other.now)
    assert {other.serve(model="m") for _ in range(4)} == {"b"}
    other.pool.adopt([replaced(change, pond.now + 1.0) for change in told], other.now)
    other.wait(1.0)
    assert {other.serve(model="m") for _ in range(4)} == {"a", "b"}


def replaced(change: Change, changed_at: float) -> Change:
    return Change(change.account_id, change.scope, change.until, change.level, change.state, change.detail, changed_at)


def test_a_disabled_account_is_not_enabled_by_recovery() -> None:
    pond = Pond(Member("a", "A", standing=Standing.DISABLED))
    assert pond.pool.recover("a", pond.now) == []
    assert pond.exhausted().reason is Shortage.NONE_LOGGED_IN


def test_a_conversation_stays_with_its_account_and_only_those_of_a_lost_one_move() -> None:
    pond = Pond(*"abcdefghij", policy=Policy(strategy=Strategy.STICKY))
    texts = [f"key:{number}" for number in range(500)]

    def homes() -> dict[str, str]:
        found = {}
        for text in texts:
            lease = pond.lease(sticky=text)
            pond.settle(lease, Served(1.0))
            found[text] = lease.account_id
        return found

    before = homes()
    assert homes() == before
    assert min(Counter(before.values()).values()) > 25
    pond.trouble("c", F.SUSPENDED)
    after = homes()
    assert {text for text in texts if before[text] != after[text]} == {text for text in texts if before[text] == "c"}
    assert "c" not in after.values()
    assert len(set(after.values())) == 9


def test_without_a_conversation_sticky_is_in_turn() -> None:
    pond = Pond("a", "b", policy=Policy(strategy=Strategy.STICKY))
    assert "".join(pond.serve() for _ in range(4)) == "abab"


def test_the_account_with_the_most_quota_left_serves() -> None:
    pond = Pond(
        Member("a", "A", fraction_left=0.2),
        Member("b", "B", fraction_left=0.8),
        Member("c", "C", fraction_left=0.78),
        policy=Policy(strategy=Strategy.LEAST_USED_QUOTA),
    )
    assert Counter(pond.serve() for _ in range(10)) == {"b": 5, "c": 5}
    pond.trouble("b", F.THROTTLED)
    pond.trouble("c", F.THROTTLED)
    assert pond.serve() == "a"


def test_all_busy_is_not_the_same_as_exhausted() -> None:
    pond = Pond(Member("a", "A", in_flight_limit=1), Member("b", "B", in_flight_limit=1), "c")
    pond.trouble("c", F.SUSPENDED)
    assert pond.pool.capacity() == 2
    leases = [pond.lease(), pond.lease()]
    assert isinstance(pond.choose(), Busy)
    pond.fail(leases[0], F.THROTTLED)
    assert isinstance(pond.choose(), Busy)
    pond.fail(leases[1], F.THROTTLED)
    assert isinstance(pond.choose(), Exhausted)


def test_the_clock_may_be_set_back() -> None:
    pond = Pond("a", "b", "c", Member("d", "D", endpoint="other"))
    pond.trouble("a", F.THROTTLED)
    pond.trouble("b", F.SHORT_QUOTA)
    pond.trouble("c", F.LONG_QUOTA)
    pond.fail(pond.lease_on("d", "m"), F.MODEL_UNKNOWN)
    pond.fail(pond.lease_on("d", "n"), F.CAPACITY)
    pond.now -= 86_400.0
    answer = pond.exhausted(tried=["d"])
    assert (answer.reason, answer.retry_after) == (Shortage.THROTTLED, 5.0)
    assert pond.report("b").quota_until == pond.now + 300.0
    assert pond.report("c").quota_until == OCTOBER + 150.0
    assert pond.report("c").quota_probe_at == pond.now + 6 * 3600.0
    assert pond.report("d").forbidden_models == {"m": pond.now + 3600.0}
    pond.now -= 1.0
    assert pond.report("a").cool_down_until == pond.now + 6.0


def test_a_late_failure_of_an_early_call_is_no_news() -> None:
    pond = Pond("a", "b")
    leases = [pond.lease_on("a") for _ in range(7)]
    for lease in leases[:5]:
        pond.fail(lease, F.BROKEN_STREAM)
    until = pond.report("a").breaker.until
    pond.wait(31.0)
    pond.fail(leases[5], F.BROKEN_STREAM)
    pond.settle(leases[6], Served(1.0))
    report = pond.report("a")
    assert (report.breaker.until, report.breaker.phase.value) == (until, "half_open")


def test_looking_takes_nobodys_turn() -> None:
    pond = Pond("a", "b")

    def look(*tried: str) -> object:
        return pond.pool.shortage(Want(tried=frozenset(tried)), pond.now)

    for name in "ababab":
        assert look() is None
        assert pond.serve() == name
    assert look("a", "b") == pond.exhausted(tried=["a", "b"])
    pond.pool = Pool()
    pond.become("a", "b")
    for name in ("a", "b"):
        for _ in range(5):
            pond.trouble(name, F.BROKEN_STREAM)
    for _ in range(4):
        assert look() is None
    assert {pond.lease().account_id, pond.lease().account_id} == {"a", "b"}
    assert look() == pond.exhausted()


def test_only_an_account_that_is_well_is_free() -> None:
    pond = Pond("a", "b")
    others = Want(tried=frozenset({"a"}))
    assert pond.pool.is_free(others, pond.now)
    for _ in range(5):
        pond.trouble("b", F.BROKEN_STREAM)
    assert not pond.pool.is_free(others, pond.now)
    assert pond.pool.is_free(Want(), pond.now)
    assert not pond.pool.is_free(Want(tried=frozenset({"a", "b"})), pond.now)
    assert pond.lease().account_id == "a", "nobody's turn was taken"


def test_leases_are_numbered_upwards() -> None:
    pond = Pond("a")
    numbers = [pond.lease().number for _ in range(8)]
    assert all(second > first for first, second in pairwise(numbers))


def test_a_pool_needs_no_policy() -> None:
    pool = Pool()
    pool.update([Member("a", "A")], START)
    lease = pool.choose(Want(), START, 0.0)
    assert isinstance(lease, Lease)
    assert pool.settle(lease, Failed(Failure(F.SERVER)), START, 0.0) == []
