import pytest

from cwproxy.accounts.pool import changes
from cwproxy.accounts.pool.breaker import Fact, Phase
from cwproxy.accounts.pool.changes import Change
from cwproxy.accounts.pool.holds import Hold, QuotaHold
from cwproxy.accounts.pool.policy import Policy

NOON = 1_790_812_800.0 - 12 * 3600.0
"""Of the last day of September 2026."""


def hold(*, gated: bool = True) -> Hold:
    return Hold(Policy().throttled, 600.0, gated=gated)


def quota() -> QuotaHold:
    policy = Policy()
    return QuotaHold(policy.short_quota, 600.0, pause=policy.quota_probe, spread=policy.midnight_spread)


def fact(number: int, now: float, latest: int | None = None) -> Fact:
    return Fact(number, latest or number, now, 0.5, "why")


def test_a_gated_hold_ends_with_a_success_and_another_with_its_time() -> None:
    gated, free = hold(), hold(gated=False)
    for each in (gated, free):
        assert each.phase(0.0) is Phase.CLOSED
        assert each.prolong(fact(1, 0.0), None)
        assert each.phase(4.9) is Phase.OPEN
    assert free.phase(5.0) is Phase.CLOSED
    assert gated.phase(5.0) is Phase.DUE
    gated.slot.take(2, 5.0)
    assert gated.phase(5.0) is Phase.PROBING
    assert not gated.end(6.0, number=1)
    assert gated.end(6.0, number=2)
    assert not gated.end(6.0, number=2)
    assert gated.phase(6.0) is Phase.CLOSED


def test_the_level_falls_with_calm() -> None:
    each = hold(gated=False)
    levels = []
    for number, now in enumerate((0.0, 5.0, 15.0, 36.0, 80.0, 300.0, 9000.0), start=1):
        each.prolong(fact(number, now), None)
        levels.append(each.level)
    assert levels == [0, 1, 2, 3, 4, 3, 0]


def test_early_calls_only_make_it_as_long_as_the_service_asks() -> None:
    each = hold()
    each.prolong(fact(1, 0.0, latest=3), 7.0)
    assert each.until == 7.0
    assert not each.prolong(fact(2, 1.0), None)
    assert not each.prolong(fact(2, 1.0), 6.0)
    assert each.prolong(fact(3, 1.0), 9.0)
    assert (each.until, each.level, each.changed_at) == (10.0, 0, 1.0)
    assert each.prolong(fact(4, 20.0), None)
    assert each.level == 1


def test_another_replicas_word_is_taken() -> None:
    each = hold()
    each.adopt(Change("a", changes.THROTTLED, 50.0, 3, changes.ON, "said", 10.0), 8)
    assert (each.until, each.level, each.detail, each.state) == (50.0, 3, "said", changes.ON)
    assert each.knows(8)
    each.adopt(Change("a", changes.THROTTLED, None, 3, changes.OFF, "", 20.0), 8)
    assert (each.phase(20.0), each.until, each.state) == (Phase.CLOSED, 20.0, changes.OFF)


def test_a_short_quota_ends_with_the_day() -> None:
    each = quota()
    assert each.short(fact(1, NOON), None)
    assert (each.until, each.state) == (NOON + 300.0, changes.ON)
    assert not each.short(fact(1, NOON), None)
    assert each.short(fact(2, NOON + 12 * 3600.0 - 10.0), None)
    assert each.until == NOON + 12 * 3600.0 + 150.0
    assert each.level == -1


def test_a_long_quota_is_tried_before_its_end() -> None:
    each = quota()
    assert each.long(fact(1, NOON, latest=4), NOON + 40_000.0)
    assert each.state == changes.LONG
    assert each.phase(NOON + 6 * 3600.0 - 1.0) is Phase.OPEN
    assert each.phase(NOON + 6 * 3600.0) is Phase.DUE
    assert not each.long(fact(4, NOON + 1.0), NOON + 40_000.0)
    assert not each.short(fact(4, NOON + 1.0), None)
    assert each.long(fact(5, NOON + 6 * 3600.0), NOON + 40_000.0)
    assert each.opens_at == each.until == NOON + 40_150.0
    assert each.short(fact(6, NOON + 41_000.0), None)
    assert each.state == changes.ON


def test_a_long_quota_outlasts_the_short_one_of_an_earlier_call() -> None:
    each = quota()
    each.short(fact(1, NOON, latest=2), None)
    assert each.long(fact(2, NOON), NOON + 40_000.0)
    assert each.until == NOON + 40_150.0


@pytest.mark.parametrize("state", [changes.ON, changes.LONG])
def test_another_replicas_quota_keeps_its_kind(state: str) -> None:
    each = quota()
    each.adopt(Change("a", changes.QUOTA, NOON + 40_000.0, 0, state, "", NOON), 0)
    assert each.state == state
    assert each.opens_at == NOON + (6 * 3600.0 if state == changes.LONG else 40_000.0)


def test_the_calendar_does_not_follow_a_clock_that_is_set_back() -> None:
    each = quota()
    each.long(fact(1, NOON), NOON + 40_000.0)
    each.shift(100.0)
    assert each.until == NOON + 40_150.0
    assert each.opens_at == NOON - 100.0 + 6 * 3600.0
    each.short(fact(2, NOON), None)
    each.shift(100.0)
    assert each.until == NOON + 200.0
