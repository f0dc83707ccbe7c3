"""The ledger in both databases, against sums made by hand and by the statistics of a running process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.records import NOW, a_record

from cwproxy.accounts.statistics import Tally
from cwproxy.store import Database, open_database
from cwproxy.store.ledger import RANKED, Dimension, Ledger, OneKey, Period, Record, Spread, Summary

ALWAYS = Period(NOW - 1000, NOW + 1000)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    opened = open_database(tmp_path / "data" if sqlite else request.getfixturevalue("database_url"))
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def test_an_empty_ledger_sums_to_nothing(ledger: Ledger) -> None:
    assert ledger.summaries(ALWAYS) == {(): Summary()}
    assert ledger.summaries(ALWAYS, (Dimension.ACCOUNT,)) == {}
    assert ledger.credits_by_key(ALWAYS) == {}
    ledger.write([])


def test_a_record_comes_back_whole(ledger: Ledger, database: Database) -> None:
    record = a_record(
        failure_class=None, input_tokens=10, output_tokens=20, cached_tokens=3, credits=0.25, attempt=2, streamed=True
    )
    ledger.write([record])
    with database.reading() as statements:
        (row,) = statements.execute("SELECT * FROM usage")
    row["streamed"] = row.flag("streamed")
    assert Record(**{name: value for name, value in row.items() if name != "id"}) == record  # type: ignore[arg-type]


def test_sums_are_split_by_what_is_asked(ledger: Ledger) -> None:
    ledger.write(
        [
            a_record(account_id="a", model="m", credits=1.0, input_tokens=5),
            a_record(account_id="a", model="n", credits=0.5, attempt=2),
            a_record(account_id="b", model="n", outcome="failed", failure_class="throttled", key_id=None),
            a_record(account_id="b", model="n", outcome="failed", failure_class="server"),
            a_record(account_id="b", model="n", outcome="failed", failure_class="throttled"),
            a_record(account_id="b", model="n", outcome="left"),
        ]
    )
    by_account = ledger.summaries(ALWAYS, (Dimension.ACCOUNT,))
    assert list(by_account) == [("a",), ("b",)]
    a, b = by_account.values()
    assert (a.requests, a.attempts, a.served, a.credits, a.input_tokens, a.success_rate) == (1, 2, 2, 1.5, 5, 1.0)
    assert (b.requests, b.failed, b.left, b.success_rate) == (4, 3, 1, 0.0)
    assert b.failures == {"server": 1, "throttled": 2}
    assert list(ledger.summaries(ALWAYS, (Dimension.ACCOUNT, Dimension.MODEL))) == [("a", "m"), ("a", "n"), ("b", "n")]
    assert {group[0] for group in ledger.summaries(ALWAYS, (Dimension.KEY,))} == {None, "key-1"}


def test_one_key_sees_only_its_own(ledger: Ledger) -> None:
    ledger.write([a_record(), a_record(key_id="key-2"), a_record(key_id=None), a_record(key_id=None)])
    counted = {key: ledger.summaries(ALWAYS, whose=OneKey(key))[()].attempts for key in ("key-1", "key-9", None)}
    assert counted == {"key-1": 1, "key-9": 0, None: 2}


def test_a_period_ends_before_its_end(ledger: Ledger) -> None:
    ledger.write([a_record(at=NOW + second) for second in range(4)])
    assert ledger.summaries(Period(NOW + 1, NOW + 3))[()].attempts == 2
    assert ledger.summaries(Period(NOW, NOW + 120))[()].requests_per_minute == 2


def test_days_of_a_period() -> None:
    midnight = NOW // 86_400 * 86_400
    days = list(Period(midnight - 10, midnight + 86_400).days())
    assert days == [Period(midnight - 10, midnight), Period(midnight, midnight + 86_400)]


def test_credits_by_key_since(ledger: Ledger) -> None:
    ledger.write([a_record(at=NOW - 1, credits=8.0), a_record(credits=0.5), a_record(credits=0.25)])
    ledger.write([a_record(key_id="key-2", credits=None), a_record(key_id=None, credits=1.0)])
    assert ledger.credits_by_key(Period(NOW, NOW + 1)) == {"key-1": 0.75}
    assert ledger.credits_by_key(Period(NOW - 1, float("inf"))) == {"key-1": 8.75}
    assert ledger.credits_by_key(Period(NOW - 1, NOW)) == {"key-1": 8.0}


def test_what_is_old_is_forgotten(ledger: Ledger) -> None:
    ledger.write([a_record(at=NOW - 1), a_record(at=NOW)])
    assert ledger.prune(before=NOW) == 1
    assert ledger.summaries(ALWAYS)[()].attempts == 1


def test_percentiles_are_those_of_the_nearest_rank(ledger: Ledger) -> None:
    ledger.write([a_record(seconds=float(second), first_seconds=None) for second in range(1, 21)])
    ledger.write([a_record(seconds=100.0, outcome="failed")])
    summary = ledger.summaries(ALWAYS)[()]
    assert summary.seconds == Spread(10.5, 10.0, 19.0)
    assert summary.buffer_seconds is None


def test_a_group_that_has_not_served_lately_has_a_mean_only(ledger: Ledger) -> None:
    ledger.write([a_record(account_id="early", at=NOW - 1)])
    ledger.write([a_record(account_id="late")] * RANKED)
    by_account = ledger.summaries(ALWAYS, (Dimension.ACCOUNT,))
    assert by_account[("early",)].seconds == Spread(2.0, None, None)
    assert by_account[("late",)].seconds == Spread(2.0, 2.0, 2.0)


RECORDS = st.builds(
    a_record,
    account_id=st.sampled_from(["a", "b"]),
    outcome=st.sampled_from(["served", "failed", "left"]),
    failure_class=st.sampled_from([None, "throttled", "server"]),
    seconds=st.integers(0, 50).map(float),
    first_seconds=st.none() | st.integers(0, 5).map(float),
    input_tokens=st.none() | st.integers(0, 9),
    credits=st.none() | st.integers(0, 8).map(lambda eighths: eighths / 8),
    attempt=st.integers(1, 3),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(st.lists(RECORDS, max_size=40))
def test_the_ledger_and_the_running_process_say_the_same(ledger: Ledger, records: list[Record]) -> None:
    ledger.prune(before=NOW + 1)
    ledger.write(records)
    tally = Tally()
    for record in records:
        tally.add(record)
    running, kept = tally.summary(NOW), ledger.summaries(Period(NOW, NOW + 60))[()]
    for name in ("requests", "attempts", "served", "failed", "left", "input_tokens", "credits", "failures"):
        assert getattr(kept, name) == getattr(running, name), name
    for ours, theirs in ((running.seconds, kept.seconds), (running.buffer_seconds, kept.buffer_seconds)):
        if ours is None:
            assert theirs is None
        else:
            assert theirs is not None
            assert (theirs.p50, theirs.p95) == (ours.p50, ours.p95)
            assert theirs.mean == pytest.approx(ours.mean)
