"""How summaries are shown."""

import msgspec

from cwproxy.accounts.figures import busiest, figures, iso, iso_day
from cwproxy.store.ledger import Dimension, Spread, Summary

SUMMARY = Summary(
    requests=3,
    attempts=4,
    served=2,
    failed=1,
    left=1,
    requests_per_minute=0.123456,
    seconds=Spread(1.23456, 1.0, 2.0),
    credits=0.1 + 0.2,
    failures={"throttled": 1},
)


def test_only_what_it_is_split_by_is_named() -> None:
    shown = msgspec.to_builtins(figures(SUMMARY, (Dimension.MODEL, Dimension.KEY), ("auto", None), day="2026-11-21"))
    assert (shown["model"], shown["key"], shown["day"]) == ("auto", None, "2026-11-21")
    assert "account" not in shown
    assert set(msgspec.to_builtins(figures(SUMMARY))) == set(shown) - {"model", "key", "day"}


def test_numbers_are_rounded_and_what_is_not_known_is_null() -> None:
    shown = msgspec.to_builtins(figures(SUMMARY))
    assert shown["success_rate"] == 0.6667
    assert shown["requests_per_minute"] == 0.123
    assert shown["credits"] == 0.3
    assert shown["response_seconds"] == {"mean": 1.2346, "p50": 1.0, "p95": 2.0}
    assert shown["buffer_seconds"] is None
    assert figures(Summary()).success_rate is None


def test_the_busiest_come_first() -> None:
    few, many = figures(Summary(attempts=1)), figures(Summary(attempts=2))
    assert busiest([few, many]) == [many, few]


def test_moments() -> None:
    assert iso(1_700_000_000.9) == "2023-11-14T22:13:20Z"
    assert iso_day(1_700_000_000.9) == "2023-11-14"
