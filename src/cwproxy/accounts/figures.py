"""Summaries as the API and `--json` show them. Durations are seconds, rates are from 0 to 1."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from cwproxy.store.ledger import Dimension, Group, Ledger, Period, Spread, Summary


class Durations(msgspec.Struct, frozen=True):
    """The percentiles are of the last answers, and null where those are of other groups."""

    mean: float
    p50: float | None
    p95: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of a group of attempts. The members that say which group come first; those that it is not split by are left out.

    requests: first attempts; attempts: with those that were made again. left: by the client before the end,
    or for another account while the login was being renewed.
    success_rate: of what was served or failed. requests_per_minute: of the last minute in a running process, over the
    whole period in the ledger. response_seconds: of whole answers. buffer_seconds: until their first event.
    """

    day: str | msgspec.UnsetType = msgspec.UNSET
    account: str | None | msgspec.UnsetType = msgspec.UNSET
    model: str | None | msgspec.UnsetType = msgspec.UNSET
    key: str | None | msgspec.UnsetType = msgspec.UNSET
    requests: int
    attempts: int
    served: int
    failed: int
    left: int
    success_rate: float | None
    requests_per_minute: float
    response_seconds: Durations | None
    buffer_seconds: Durations | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    credits: float
    failures: Mapping[str, int]


def figures(summary: Summary, by: Sequence[Dimension] = (), group: Group = (), *, day: str | None = None) -> Figures:
    named = dict(zip(by, group, strict=True))
    return Figures(
        day=msgspec.UNSET if day is None else day,
        account=named.get(Dimension.ACCOUNT, msgspec.UNSET),
        model=named.get(Dimension.MODEL, msgspec.UNSET),
        key=named.get(Dimension.KEY, msgspec.UNSET),
        requests=summary.requests,
        attempts=summary.attempts,
        served=summary.served,
        failed=summary.failed,
        left=summary.left,
        success_rate=_rounded(summary.success_rate),
        requests_per_minute=round(summary.requests_per_minute, 3),
        response_seconds=_durations(summary.seconds),
        buffer_seconds=_durations(summary.buffer_seconds),
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        cached_tokens=summary.cached_tokens,
        credits=round(summary.credits, 6),
        failures=summary.failures,
    )


def of_ledger(ledger: Ledger, period: Period, by: Sequence[Dimension], *, daily: bool = False) -> list[Figures]:
    """By group, and by UTC day if `daily`; days without an attempt are left out. Raises StoreError."""
    if not daily:
        return [figures(summary, by, group) for group, summary in ledger.summaries(period, by).items()]
    return [
        figures(summary, by, group, day=iso_day(day.since))
        for day in period.days()
        for group, summary in ledger.summaries(day, by).items()
        if summary.attempts
    ]


def iso_day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def iso(moment: float) -> str:
    """A moment in epoch seconds, to the second."""
    return datetime.fromtimestamp(int(moment), UTC).isoformat().replace("+00:00", "Z")


def _durations(spread: Spread | None) -> Durations | None:
    if spread is None:
        return None
    return Durations(round(spread.mean, 4), _rounded(spread.p50), _rounded(spread.p95))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def busiest(all_figures: Iterable[Figures]) -> list[Figures]:
    """Those with the most attempts first."""
    return sorted(all_figures, key=lambda each: -each.attempts)
