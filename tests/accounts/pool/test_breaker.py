import pytest

from cwproxy.accounts.pool.breaker import Breaker, Fact, Phase, Slot
from cwproxy.accounts.pool.policy import Backoff, Policy, Tripping

PATIENCE = 600.0


def fact(number: int, now: float, *, latest: int | None = None, random: float = 0.5) -> Fact:
    return Fact(number, number if latest is None else latest, now, random)


def opened(rule: Tripping, now: float = 0.0) -> Breaker:
    breaker = Breaker(rule, PATIENCE)
    for number in range(1, 6):
        breaker.failed(fact(number, now))
    assert breaker.opened
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = Breaker(Policy().account, PATIENCE)
    for number in range(1, 5):
        assert not breaker.failed(fact(number, 0.0))
    breaker.succeeded(5, 0.0)
    assert breaker.consecutive == 0


def test_half_of_the_calls_within_a_minute_open_it() -> None:
    breaker = Breaker(Policy().account, PATIENCE)
    results = []
    for number in range(1, 6):
        if number % 2:
            results.append(breaker.failed(fact(number, number * 5.0)))
        else:
            breaker.succeeded(number, number * 5.0)
    assert results == [False, False, True]
    slow = Breaker(Policy().account, PATIENCE)
    for number in range(1, 40):
        slow.succeeded(number, number * 40.0)
        assert not slow.failed(fact(number, number * 40.0))


def test_without_a_window_only_the_row_counts() -> None:
    breaker = Breaker(Policy().endpoint, PATIENCE)
    for number in range(1, 40):
        assert not breaker.failed(fact(number, 0.0))
        assert not breaker.failed(fact(number, 0.0))
        breaker.succeeded(number, 0.0)


def test_it_stays_open_for_twice_as_long_each_time_and_forgets_in_calm() -> None:
    breaker = opened(Policy().account)
    now = 0.0
    waits = []
    for number in range(10, 15):
        waits.append(breaker.until - now)
        now = breaker.until
        assert breaker.phase(now - 0.1) is Phase.OPEN
        assert breaker.phase(now) is Phase.DUE
        assert breaker.failed(fact(number, now))
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0]
    assert breaker.level(now) == 6
    now = breaker.until
    breaker.succeeded(20, now)
    assert breaker.opened
    breaker.succeeded(21, now)
    assert not breaker.opened
    assert breaker.level(now + 299.0) == 6
    assert breaker.level(now + 900.0) == 3
    assert breaker.level(now + 9000.0) == 0


def test_a_success_while_it_is_open_makes_it_half_open() -> None:
    breaker = opened(Policy().account)
    breaker.succeeded(6, 10.0)
    assert breaker.phase(10.0) is Phase.DUE
    breaker.succeeded(7, 11.0)
    assert breaker.phase(11.0) is Phase.CLOSED


def test_calls_from_before_it_opened_are_not_counted() -> None:
    breaker = Breaker(Policy().account, PATIENCE)
    for number in range(1, 6):
        breaker.failed(fact(number, 0.0, latest=9))
    breaker.succeeded(8, 1.0)
    breaker.succeeded(9, 1.0)
    assert breaker.phase(1.0) is Phase.OPEN
    assert not breaker.failed(fact(9, 31.0))
    assert breaker.failed(fact(10, 31.0))


def test_a_failure_while_it_is_open_does_not_prolong_it() -> None:
    breaker = opened(Policy().account)
    assert not breaker.failed(fact(6, 29.0))
    assert breaker.until == 30.0


def test_it_may_be_kept_from_opening() -> None:
    breaker = Breaker(Policy().account, PATIENCE)
    for number in range(1, 20):
        assert not breaker.failed(fact(number, 0.0), may_open=False)
    breaker.forgive()
    assert not breaker.failed(fact(20, 0.0))


def test_forgiveness_does_not_close_it() -> None:
    breaker = opened(Policy().account)
    breaker.forgive()
    assert breaker.phase(0.0) is Phase.OPEN


@pytest.mark.parametrize(("random", "until"), [(0.0, 27.0), (1.0, 33.0)])
def test_the_time_has_jitter(random: float, until: float) -> None:
    breaker = Breaker(Tripping(Backoff(30.0, 300.0, jitter=0.1), consecutive=1), PATIENCE)
    breaker.failed(fact(1, 0.0, random=random))
    assert breaker.until == pytest.approx(until)


def test_the_clock_may_be_set_back() -> None:
    breaker = opened(Policy().account, 1000.0)
    breaker.slot.take(6, 1000.0)
    breaker.shift(900.0)
    assert breaker.until == 130.0
    assert breaker.slot.taken(699.0)
    assert not breaker.slot.taken(700.0)


def test_one_place() -> None:
    slot = Slot(10.0)
    assert not slot.taken(0.0)
    slot.take(1, 0.0)
    slot.release(2)
    assert slot.taken(9.0)
    assert not slot.taken(10.0)
    slot.release(1)
    assert not slot.taken(0.0)
