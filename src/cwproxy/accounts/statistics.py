"""What this process has seen of its attempts: per account, model, the two together, and API key.

No I/O and no clock: the time is an argument. The numbers are of the whole run, the percentiles of the last `WINDOW`
answers, the requests per minute of the last minute.
"""

from array import array
from collections.abc import Iterable
from typing import Final

from cwproxy.store.ledger import Group, Record, Spread, Summary

WINDOW: Final = 500
MINUTE: Final = 60
"""Seconds, and places of the ring that counts them."""

MOST_GROUPS: Final = 10_000
"""Of one kind. Whoever may invent model names shall not fill the memory; the ledger has them all."""


class Statistics:
    """Told of every record; gives summaries."""

    def __init__(self) -> None:
        self.total = Tally()
        self.accounts: dict[Group, Tally] = {}
        self.models: dict[Group, Tally] = {}
        self.pairs: dict[Group, Tally] = {}
        """By account and model."""
        self.keys: dict[Group, Tally] = {}

    def attempts(self, account_id: str) -> int:
        tally = self.accounts.get((account_id,))
        return 0 if tally is None else tally.attempts

    def add(self, record: Record) -> None:
        self.total.add(record)
        for tallies, group in (
            (self.accounts, (record.account_id,)),
            (self.models, (record.model,)),
            (self.pairs, (record.account_id, record.model)),
            (self.keys, (record.key_id,)),
        ):
            tally = tallies.get(group)
            if tally is None:
                if len(tallies) >= MOST_GROUPS:
                    continue
                tally = tallies[group] = Tally()
            tally.add(record)


class Tally:
    """The attempts of one group."""

    __slots__ = (
        "_cached_tokens",
        "_credits",
        "_failed",
        "_failures",
        "_input_tokens",
        "_left",
        "_minute",
        "_output_tokens",
        "_requests",
        "_seconds",
        "_served",
        "_waits",
        "attempts",
    )

    def __init__(self) -> None:
        self._requests = self.attempts = self._served = self._failed = self._left = 0
        self._input_tokens = self._output_tokens = self._cached_tokens = 0
        self._credits = 0.0
        self._failures: dict[str, int] = {}
        self._seconds = _Durations()
        self._waits = _Durations()
        self._minute = _LastMinute()

    def add(self, record: Record) -> None:
        self.attempts += 1
        if record.attempt == 1:
            self._requests += 1
            self._minute.count(int(record.at))
        match record.outcome:
            case "served":
                self._served += 1
                self._seconds.add(record.seconds)
                if record.first_seconds is not None:
                    self._waits.add(record.first_seconds)
            case "failed":
                self._failed += 1
                name = record.failure_class or "unknown"
                self._failures[name] = self._failures.get(name, 0) + 1
            case "left":
                self._left += 1
        self._input_tokens += record.input_tokens or 0
        self._output_tokens += record.output_tokens or 0
        self._cached_tokens += record.cached_tokens or 0
        self._credits += record.credits or 0.0

    def summary(self, now: float) -> Summary:
        """now: epoch seconds."""
        return Summary(
            requests=self._requests,
            attempts=self.attempts,
            served=self._served,
            failed=self._failed,
            left=self._left,
            requests_per_minute=float(self._minute.total(int(now))),
            seconds=self._seconds.spread(),
            buffer_seconds=self._waits.spread(),
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cached_tokens=self._cached_tokens,
            credits=self._credits,
            failures=dict(sorted(self._failures.items())),
        )


class _Durations:
    """The mean of all, and the percentiles of the last ones. In an array, as the numbers outlive the request that made
    them: each as an object of its own would keep the page of memory that it was made in.
    """

    __slots__ = ("_count", "_last", "_sum")

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._last = array("d")

    def add(self, seconds: float) -> None:
        if len(self._last) < WINDOW:
            self._last.append(seconds)
        else:
            self._last[self._count % WINDOW] = seconds
        self._count += 1
        self._sum += seconds

    def spread(self) -> Spread | None:
        if not self._count:
            return None
        ordered = sorted(self._last)
        return Spread(self._sum / self._count, _nearest_rank(ordered, 50), _nearest_rank(ordered, 95))


def _nearest_rank(ordered: list[float], percent: int) -> float:
    """The least value that `percent` of all do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


class _LastMinute:
    """One place for each second; a place is emptied when its second comes round again."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._seconds = array("q", bytes(8 * MINUTE))
        self._counts = array("q", bytes(8 * MINUTE))

    def count(self, second: int) -> None:
        place = second % MINUTE
        if self._seconds[place] != second:
            self._seconds[place] = second
            self._counts[place] = 0
        self._counts[place] += 1

    def total(self, now: int) -> int:
        return sum(self._counts[place] for place in self._places(now))

    def _places(self, now: int) -> Iterable[int]:
        return (place for place, second in enumerate(self._seconds) if now - MINUTE < second <= now)
