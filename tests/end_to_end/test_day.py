"""Some hours of the simulated day of `python -m bench.day`, which is the whole of it."""

import random

import pytest
from bench.day import simulate
from bench.faults import KINDS, LONG_QUOTA_PROBE, Episode, plan, stated_calls

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize("seed", [11, 12])
def test_no_request_fails_that_a_healthy_account_could_have_served(seed: int) -> None:
    day = simulate(hours=3.0, rate=0.25, seed=seed)
    assert day.requests > 600
    assert day.met.total() > 20
    assert day.avoidable == []
    assert day.served + day.left + day.after_content + day.before_content == day.requests
    assert day.spread < 0.05
    assert day.quota_excess == 0


def test_without_repetitions_the_same_day_would_go_badly() -> None:
    """The day can tell: it is not that nothing happens on it."""
    day = simulate(hours=3.0, rate=0.25, seed=11, request_seconds=4.9)  # too few for a second call
    assert day.avoidable


def test_every_kind_of_fault_has_its_hour() -> None:
    episodes = plan([str(number) for number in range(6)], seconds=86_400.0, chance=random.Random(1))
    assert {episode.kind for them in episodes.values() for episode in them} == set(KINDS)


def test_how_often_an_account_without_quota_may_be_called() -> None:
    assert stated_calls(Episode("monthly-quota", 0.0, LONG_QUOTA_PROBE - 1.0)) == 1
    assert stated_calls(Episode("monthly-quota", 0.0, LONG_QUOTA_PROBE * 2)) == 3
    assert stated_calls(Episode("daily-quota", 0.0, 299.0)) == 1
    assert stated_calls(Episode("daily-quota", 0.0, 301.0)) == 2
    assert stated_calls(Episode("daily-quota", 0.0, 901.0)) == 3
