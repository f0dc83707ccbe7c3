"""What an operator's key opens, all of it under `/admin`: statistics and the accounts. Nothing here shows a token."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from cwproxy.accounts.bookkeeping import Bookkeeper
from cwproxy.accounts.figures import Figures, busiest, figures, iso, of_ledger
from cwproxy.accounts.oversight import AccountView, Oversight
from cwproxy.accounts.reports import Reports
from cwproxy.accounts.statistics import Tally
from cwproxy.api.access import AccessPolicy
from cwproxy.api.refused import Refused
from cwproxy.api.usage import period_of
from cwproxy.errors import InvalidRequest
from cwproxy.store.ledger import Dimension, Group

DIMENSIONS: Final = {"account": Dimension.ACCOUNT, "model": Dimension.MODEL, "key": Dimension.KEY}
DAY: Final = "day"


class Operations(msgspec.Struct, frozen=True):
    """What the routes show. started: epoch seconds of this process's start; wall: epoch seconds now. left_out: see
    `Service.left_out`.
    """

    books: Bookkeeper
    reports: Reports
    oversight: Oversight
    started: float
    wall: Callable[[], float]
    left_out: Mapping[str, int]


class ProcessStatistics(msgspec.Struct, frozen=True):
    """Of this process since its start. waiting, dropped: records on their way to the ledger, and lost ones.
    events_left_out: by kind, those of the backend that had no place in an answer, the most frequent first.
    """

    since: str
    waiting: int
    dropped: int
    total: Figures
    accounts: list[Figures]
    models: list[Figures]
    accounts_and_models: list[Figures]
    keys: list[Figures]
    events_left_out: dict[str, int]


class LedgerStatistics(msgspec.Struct, frozen=True):
    """Of all processes, from the store."""

    since: str
    until: str
    groups: list[Figures]


class AllStatistics(msgspec.Struct, frozen=True):
    process: ProcessStatistics
    ledger: LedgerStatistics


class AccountList(msgspec.Struct, frozen=True):
    accounts: list[AccountView]


def router(operations: Operations, access: AccessPolicy, json: "Callable[[Request, bytes], Response]") -> APIRouter:
    """json: makes the response of a request."""
    routes = APIRouter(prefix="/admin", dependencies=[Depends(access.admit_operator)])
    oversight = operations.oversight

    @routes.get("/stats", response_model=None)
    async def statistics(request: Request) -> Response:
        return json(request, msgspec.json.encode(await _statistics(operations, request)))

    @routes.get("/accounts", response_model=None)
    async def accounts(request: Request) -> Response:
        return json(request, msgspec.json.encode(AccountList(await oversight.accounts())))

    @routes.get("/openapi.json", response_model=None)
    async def description(request: Request) -> Response:
        from cwproxy.api.admin_schema import document

        return json(request, await asyncio.to_thread(document))

    async def changed(request: Request, account_id: str, change: Awaitable[bool]) -> Response:
        view = await oversight.account(account_id) if await change else None
        if view is None:
            raise Refused(404, f"There is no account {account_id[:100]!r}.", "account_not_found")
        return json(request, msgspec.json.encode(view))

    @routes.post("/accounts/{account_id}/recover", response_model=None)
    async def recover(request: Request, account_id: str) -> Response:
        return await changed(request, account_id, oversight.recover(account_id))

    @routes.post("/accounts/{account_id}/disable", response_model=None)
    async def disable(request: Request, account_id: str) -> Response:
        return await changed(request, account_id, oversight.set_disabled(account_id, disabled=True))

    @routes.post("/accounts/{account_id}/enable", response_model=None)
    async def enable(request: Request, account_id: str) -> Response:
        return await changed(request, account_id, oversight.set_disabled(account_id, disabled=False))

    return routes


async def _statistics(operations: Operations, request: Request) -> AllStatistics:
    books, now = operations.books, operations.wall()
    period = period_of(request, now)
    by = _split(request)
    dimensions = [DIMENSIONS[name] for name in by if name != DAY]
    groups = await operations.reports.ask(lambda ledger: of_ledger(ledger, period, dimensions, daily=DAY in by))
    seen = books.statistics

    def shown(tallies: dict[Group, Tally], *split: Dimension) -> list[Figures]:
        return busiest(figures(tally.summary(now), split, group) for group, tally in tallies.items())

    process = ProcessStatistics(
        since=iso(operations.started),
        waiting=books.waiting,
        dropped=books.dropped,
        total=figures(seen.total.summary(now)),
        accounts=shown(seen.accounts, Dimension.ACCOUNT),
        models=shown(seen.models, Dimension.MODEL),
        accounts_and_models=shown(seen.pairs, Dimension.ACCOUNT, Dimension.MODEL),
        keys=shown(seen.keys, Dimension.KEY),
        events_left_out=dict(Counter(operations.left_out).most_common()),
    )
    return AllStatistics(process, LedgerStatistics(iso(period.since), iso(period.until), groups))


def _split(request: Request) -> Sequence[str]:
    """The query's `by`: names with commas between them, or repeated."""
    names = [name.strip() for value in request.query_params.getlist("by") for name in value.split(",") if name.strip()]
    wrong = [name for name in names if name != DAY and name not in DIMENSIONS]
    if wrong:
        raise InvalidRequest(f"`by` takes {', '.join((*DIMENSIONS, DAY))}, not {wrong[0][:100]!r}.", param="by")
    return tuple(dict.fromkeys(names))
