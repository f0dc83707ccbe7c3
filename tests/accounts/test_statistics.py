"""Figures of the running process, against what can be computed by hand and against plain sorting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.records import a_record

from cwproxy.accounts import statistics
from cwproxy.accounts.statistics import WINDOW, Statistics, Tally
from cwproxy.store.ledger import Spread, Summary

NOW = 1_700_000_000.0


def test_nothing_gives_an_empty_summary() -> None:
    assert Tally().summary(NOW) == Summary()
    assert Summary().success_rate is None


def test_records_are_counted_by_account_model_their_combination_and_key() -> None:
    seen = Statistics()
    seen.add(a_record(account_id="a", model="m", key_id="k"))
    seen.add(a_record(account_id="a", model="n", key_id="k"))
    seen.add(a_record(account_id="b", model="n", key_id=None, outcome="failed", failure_class="throttled"))
    attempts = {
        name: {group: tally.summary(NOW).attempts for group, tally in tallies.items()}
        for name, tallies in [("a", seen.accounts), ("m", seen.models), ("p", seen.pairs), ("k", seen.keys)]
    }
    assert attempts == {
        "a": {("a",): 2, ("b",): 1},
        "m": {("m",): 1, ("n",): 2},
        "p": {("a", "m"): 1, ("a", "n"): 1, ("b", "n"): 1},
        "k": {("k",): 2, (None,): 1},
    }
    total = seen.total.summary(NOW)
    assert (total.attempts, total.served, total.failed) == (3, 2, 1)
    assert total.success_rate == pytest.approx(2 / 3)
    assert total.failures == {"throttled": 1}


def test_who_leaves_speaks_neither_for_nor_against_an_account() -> None:
    tally = Tally()
    tally.add(a_record())
    tally.add(a_record(outcome="left"))
    summary = tally.summary(NOW)
    assert (summary.left, summary.success_rate) == (1, 1.0)


def test_durations_are_of_served_answers_only() -> None:
    tally = Tally()
    for seconds in (1.0, 2.0, 3.0, 10.0):
        tally.add(a_record(seconds=seconds, first_seconds=seconds / 4))
    tally.add(a_record(seconds=99.0, outcome="failed"))
    tally.add(a_record(seconds=4.0, first_seconds=None))
    summary = tally.summary(NOW)
    assert summary.seconds == Spread(4.0, 3.0, 10.0)
    assert summary.buffer_seconds == Spread(1.0, 0.5, 2.5)


def test_tokens_and_credits_are_summed_where_they_are_known() -> None:
    tally = Tally()
    tally.add(a_record(input_tokens=10, output_tokens=2, cached_tokens=5, credits=0.25))
    tally.add(a_record(input_tokens=None, output_tokens=None, cached_tokens=None, credits=None))
    tally.add(a_record(input_tokens=1, output_tokens=1, cached_tokens=0, credits=0.5))
    summary = tally.summary(NOW)
    assert (summary.input_tokens, summary.output_tokens, summary.cached_tokens, summary.credits) == (11, 3, 5, 0.75)


def test_requests_per_minute_are_first_attempts_of_the_last_sixty_seconds() -> None:
    tally = Tally()
    for at in (0, 1, 59, 59.9):
        tally.add(a_record(at=NOW + at))
    tally.add(a_record(at=NOW + 59, attempt=2))
    assert tally.summary(NOW + 59).requests_per_minute == 4
    assert tally.summary(NOW + 60).requests_per_minute == 3
    assert tally.summary(NOW + 61).requests_per_minute == 2
    assert tally.summary(NOW + 200).requests_per_minute == 0
    tally.add(a_record(at=NOW + 120))
    assert tally.summary(NOW + 120).requests_per_minute == 1


def test_invented_names_do_not_fill_the_memory() -> None:
    seen = Statistics()
    for number in range(statistics.MOST_GROUPS + 5):
        seen.models[(str(number),)] = Tally()
    seen.add(a_record(model="one more"))
    assert ("one more",) not in seen.models
    assert seen.total.summary(NOW).attempts == 1


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200))
def test_percentiles_are_values_that_enough_do_not_exceed(seconds: list[float]) -> None:
    tally = Tally()
    for each in seconds:
        tally.add(a_record(seconds=each))
    spread = tally.summary(NOW).seconds
    assert spread is not None
    for percent, value in ((50, spread.p50), (95, spread.p95)):
        assert value in seconds
        assert sum(each <= value for each in seconds) * 100 >= len(seconds) * percent
        assert sum(each < value for each in seconds) * 100 < len(seconds) * percent


def test_percentiles_follow_the_last_answers_and_the_mean_all() -> None:
    tally = Tally()
    for seconds in [1.0] * WINDOW + [3.0] * WINDOW:
        tally.add(a_record(seconds=seconds))
    assert tally.summary(NOW).seconds == Spread(2.0, 3.0, 3.0)
