"""The limits of one key, by a clock of the test's."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.accounts.metering import Bound, Meter
from cwproxy.store.keys import KeyLimits

LATE_NOVEMBER = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()


def meter(limits: KeyLimits | None = None, *, spent: float = 0.0, share: int | None = None) -> Meter:
    return Meter(limits or KeyLimits(), spent=lambda: spent, share=lambda: share)


def enter(metered: Meter, at: float = 0.0) -> Bound | None:
    refusal = metered.enter(monotonic=at, wall=LATE_NOVEMBER)
    return None if refusal is None else refusal.bound


def test_without_limits_everything_is_let_in() -> None:
    free = meter()
    assert [enter(free) for _ in range(1000)] == [None] * 1000
    assert free.requests_in_last_minute(0.0) == 0


def test_requests_per_minute_are_those_of_any_sixty_seconds() -> None:
    limited = meter(KeyLimits(requests_per_minute=2))
    assert [enter(limited, at) for at in (0, 30, 59.9)] == [None, None, Bound.REQUESTS_PER_MINUTE]
    assert [enter(limited, at) for at in (60, 60, 90)] == [None, Bound.REQUESTS_PER_MINUTE, None]


def test_a_refusal_says_how_long_to_wait() -> None:
    limited = meter(KeyLimits(requests_per_minute=1))
    assert enter(limited, 10.0) is None
    refusal = limited.enter(monotonic=20.5, wall=0)
    assert refusal is not None
    assert refusal.retry_after == pytest.approx(49.5)
    assert "may make 1 request per minute" in refusal.message
    assert "50 s" in refusal.message


def test_a_limit_of_none_at_all_lets_nothing_in() -> None:
    closed = meter(KeyLimits(requests_per_minute=0))
    assert enter(closed) is Bound.REQUESTS_PER_MINUTE


def test_what_is_refused_counts_against_nothing() -> None:
    limited = meter(KeyLimits(in_flight=1, requests_per_minute=2))
    assert [enter(limited) for _ in range(3)] == [None, Bound.IN_FLIGHT, Bound.IN_FLIGHT]
    limited.leave()
    assert enter(limited) is None
    limited.leave()
    assert enter(limited) is Bound.REQUESTS_PER_MINUTE
    assert limited.in_flight == 0


def test_spent_credits_come_back_with_the_month() -> None:
    refusal = meter(KeyLimits(monthly_credits=1.5), spent=1.5).enter(monotonic=0, wall=LATE_NOVEMBER)
    assert refusal is not None
    assert refusal.bound is Bound.MONTHLY_CREDITS
    assert refusal.retry_after == pytest.approx(1.5 * 86_400)
    assert "1.5 credits" in refusal.message
    assert enter(meter(KeyLimits(monthly_credits=1.5), spent=1.49)) is None


def test_a_share_bounds_keys_without_limits_of_their_own() -> None:
    shared = meter(share=1)
    assert [enter(shared), enter(shared)] == [None, Bound.SHARE]


@given(st.integers(1, 5), st.lists(st.floats(0, 30), max_size=60))
def test_no_window_of_a_minute_ever_holds_more(limit: int, gaps: list[float]) -> None:
    limited, now, let_in = meter(KeyLimits(requests_per_minute=limit)), 0.0, list[float]()
    for gap in gaps:
        now += gap
        refusal = limited.enter(monotonic=now, wall=0)
        if refusal is None:
            let_in.append(now)
        else:
            assert 0 < refusal.retry_after < 60 + 1e-6
            assert limited.enter(monotonic=now + refusal.retry_after + 1e-6, wall=0) is None
            now += refusal.retry_after + 1e-6
            let_in.append(now)
    for start in let_in:
        assert sum(start <= at < start + 60 - 1e-6 for at in let_in) <= limit
