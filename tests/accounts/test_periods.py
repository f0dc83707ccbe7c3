from datetime import UTC, datetime

import pytest

from cwproxy.accounts.periods import since

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("month", "2026-11-01T00:00:00"),
        ("today", "2026-11-21T00:00:00"),
        ("90m", "2026-11-21T14:00:00"),
        ("12h", "2026-11-21T03:30:00"),
        (" 7d ", "2026-11-14T15:30:00"),
        ("2w", "2026-11-07T15:30:00"),
        ("2026-11-20", "2026-11-20T00:00:00"),
        ("2026-11-20T08:00:00+01:00", "2026-11-20T07:00:00"),
    ],
)
def test_what_people_write(text: str, start: str) -> None:
    period = since(text, NOW)
    assert datetime.fromtimestamp(period.since, UTC).replace(tzinfo=None).isoformat() == start
    assert period.until == NOW


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "0d", "2027-01-01", "1900-01-01", "999999w", "ⅷd", "yesterday"])
def test_anything_else_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(ValueError, match="has to be `month`"):
        since(text, NOW)
