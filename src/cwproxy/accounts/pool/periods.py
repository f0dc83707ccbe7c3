"""When the service's days and months begin: at 00:00 UTC. Times are epoch seconds."""

from datetime import UTC, datetime
from typing import Final

DAY: Final = 86_400.0


def next_day(now: float) -> float:
    return (now // DAY + 1.0) * DAY


def next_month(now: float) -> float:
    today = datetime.fromtimestamp(now, UTC)
    year, month = divmod(today.year * 12 + today.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC).timestamp()
