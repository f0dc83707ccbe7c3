"""How long the service asks to be left alone, in any of its ways of saying it (reliability.md 3C 68). Pure: a date is
read against the answer's own `date`, because there is no clock here.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER: Final = 3600.0
"""Seconds. A longer wait that the service asks for is cut to this."""


def retry_after(headers: Mapping[str, str], members: Mapping[str, object]) -> float | None:
    """Seconds, or None where nothing usable is said. headers: by lower-case names; members: of the body."""
    milliseconds = members.get("retryAfterMilliseconds")
    for value, unit in (
        (headers.get("retry-after-ms"), 1000.0),
        (headers.get("x-amz-retry-after"), 1000.0),
        (headers.get("retry-after"), 1.0),
        (milliseconds if isinstance(milliseconds, int | float | str) else None, 1000.0),
    ):
        seconds = _seconds(value, unit)
        if seconds is not None:
            return seconds
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(then: str, now: str) -> float | None:
    try:
        wait = (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no dates, or one of them without a time zone
        return None
    return _seconds(max(0.0, wait), 1.0)


def _seconds(value: str | float | None, unit: float) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value) / unit
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_RETRY_AFTER) if math.isfinite(seconds) and seconds >= 0 else None
