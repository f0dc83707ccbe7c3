from datetime import UTC, datetime

import pytest

from cwproxy.accounts.pool.periods import next_day, next_month


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-09-21T14:13:20", "2026-09-22", "2026-10-01"),
        ("2026-12-31T23:59:59", "2027-01-01", "2027-01-01"),
        ("2028-02-28T00:00:00", "2028-02-29", "2028-03-01"),
        ("2026-11-01T00:00:00", "2026-11-02", "2026-12-01"),
    ],
)
def test_days_and_months_begin_at_midnight_utc(now: str, day: str, month: str) -> None:
    assert next_day(at(now)) == at(day)
    assert next_month(at(now)) == at(month)
