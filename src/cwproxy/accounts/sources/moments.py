"""The end of a token's life, in the notations that other programs write it in.

Seen are RFC 3339 with seconds, milliseconds or nanoseconds, epoch seconds and epoch milliseconds; and nothing at
all, null or nonsense (backend-rules.md C 7).
"""

import math
from datetime import UTC, datetime

_MILLISECONDS = 1e11
"""A number beyond this counts milliseconds: as seconds it would lie in the year 5138."""


def parse(value: object) -> float | None:
    """Epoch seconds; None for what is no moment. A time without an offset is UTC."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        return _number(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        return _number((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def written(moment: float, like: object) -> str | int:
    """`moment` in the notation of the value that it replaces, else as JavaScript's `toISOString` has it."""
    if isinstance(like, int | float) and not isinstance(like, bool) and parse(like) is not None:
        return int(moment * 1000) if like > _MILLISECONDS else int(moment)
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float) -> float | None:
    if not math.isfinite(value) or value <= 0:
        return None
    return value / 1000 if value > _MILLISECONDS else value
