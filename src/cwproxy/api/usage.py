"""`GET /v1/usage`: what the client's own key has used. It says nothing of any other key, nor of accounts."""

from collections.abc import Callable
from typing import Literal

import msgspec
from fastapi import Request

from cwproxy.accounts.bookkeeping import next_month
from cwproxy.accounts.figures import Figures, busiest, figures, iso
from cwproxy.accounts.keyring import KnownKey
from cwproxy.accounts.metering import Meter
from cwproxy.accounts.periods import since
from cwproxy.accounts.reports import Reports
from cwproxy.errors import InvalidRequest
from cwproxy.store.ledger import Dimension, OneKey, Period

DEFAULT_PERIOD = "month"


class Bounded(msgspec.Struct, frozen=True, omit_defaults=False):
    """A limit and what is used of it. resets_at: for credits."""

    limit: float
    used: float
    resets_at: str | msgspec.UnsetType = msgspec.UNSET


class KeyBounds(msgspec.Struct, frozen=True):
    """Each null where there is no such limit. Requests are those that this process has seen, credits those of all."""

    requests_per_minute: Bounded | None
    in_flight: Bounded | None
    monthly_credits: Bounded | None


class OwnUsage(msgspec.Struct, frozen=True, kw_only=True):
    """key: the id; null where no keys are asked for. Until a second ago: usage is written in batches."""

    object: Literal["usage"] = "usage"
    key: str | None
    since: str
    until: str
    total: Figures
    models: list[Figures]
    limits: KeyBounds | None


def period_of(request: Request, now: float) -> Period:
    """The query's `since`. Raises InvalidRequest."""
    try:
        return since(request.query_params.get("since", DEFAULT_PERIOD), now)
    except ValueError as error:
        raise InvalidRequest(str(error), param="since") from None


async def own_usage(reports: Reports, period: Period, key: KnownKey | None, *, clock: Callable[[], float]) -> OwnUsage:
    """Raises StoreError."""
    key_id = None if key is None else key.caller.key_id
    whose = OneKey(key_id)
    total = await reports.ask(lambda ledger: ledger.summaries(period, (), whose))
    models = await reports.ask(lambda ledger: ledger.summaries(period, (Dimension.MODEL,), whose))
    return OwnUsage(
        key=key_id,
        since=iso(period.since),
        until=iso(period.until),
        total=figures(total[()]),
        models=busiest(figures(summary, (Dimension.MODEL,), group) for group, summary in models.items()),
        limits=None if key is None else bounds(key.meter, monotonic=clock(), wall=period.until),
    )


def bounds(meter: Meter, *, monotonic: float, wall: float) -> KeyBounds:
    limits = meter.limits
    requests, credits = limits.requests_per_minute, limits.monthly_credits
    return KeyBounds(
        None if requests is None else Bounded(requests, meter.requests_in_last_minute(monotonic)),
        None if limits.in_flight is None else Bounded(limits.in_flight, meter.in_flight),
        None if credits is None else Bounded(credits, round(meter.credits_this_month(), 6), iso(next_month(wall))),
    )
