"""The stretch of time that a question about usage is about, as people write it."""

import re
from datetime import UTC, datetime
from typing import Final

from cwproxy.accounts.bookkeeping import month_of
from cwproxy.store.ledger import DAY_SECONDS, Period

_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}
_SPAN: Final = re.compile(r"([0-9]{1,6})([mhdw])")

HOW: Final = "`month`, `today`, a span such as `90m`, `12h`, `7d` or `2w`, or a date such as `2026-11-01`"


def since(text: str, now: float) -> Period:
    """From what `text` says until `now`, in epoch seconds; dates without a zone are UTC's. Raises ValueError, with a
    sentence, for what is none of `HOW` or lies ahead.
    """
    start = _start(text.strip(), now)
    if start is None or not 0 <= start < now:
        raise ValueError(f"The period has to be {HOW}, and to begin in the past.")
    return Period(start, now)


def _start(text: str, now: float) -> float | None:
    if text == "month":
        return month_of(now)
    if text == "today":
        return now // DAY_SECONDS * DAY_SECONDS
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now - int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
