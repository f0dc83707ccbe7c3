"""The routes of OpenAI's Responses API (compatibility.md 2.1)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response

from cwproxy.api import body
from cwproxy.api.access import AccessPolicy
from cwproxy.api.answering import answering_what
from cwproxy.api.answers import Surroundings
from cwproxy.api.exchange import Exchange, exchange_of
from cwproxy.api.keeping import Keeping
from cwproxy.api.lane import Lanes
from cwproxy.api.load import Space
from cwproxy.api.refused import Refused
from cwproxy.codewhisperer.tokens import estimate_conversation
from cwproxy.dialects.openai_responses import Draft, Past, ResponsesRequest, read, stored
from cwproxy.errors import InvalidRequest

_T = TypeVar("_T")
_Answer: TypeAlias = Callable[[Request, Exchange], Awaitable[bytes]]


def add_routes(
    app: FastAPI, lanes: Lanes, prefix: str, around: Surroundings, access: AccessPolicy, keeping: Keeping
) -> None:
    """`/responses` and what is below it, under `prefix`."""
    routes = _Routes(around, keeping)
    under = f"{prefix}/responses"

    def add(path: str, answer: _Answer, *methods: str, charged: bool = False) -> None:
        app.add_route(path, _plain(access, answer, charged=charged), methods=list(methods))

    lanes.add(app, under, answering_what(around, access, routes.asked))
    add(f"{under}/input_tokens", routes.count, "POST", charged=True)
    add(f"{under}/compact", routes.compact, "POST")
    add(f"{under}/{{id}}", routes.show, "GET", "HEAD")
    add(f"{under}/{{id}}", routes.delete, "DELETE")
    add(f"{under}/{{id}}/input_items", routes.items, "GET", "HEAD")
    add(f"{under}/{{id}}/cancel", routes.cancel, "POST")


def _plain(access: AccessPolicy, answer: _Answer, *, charged: bool) -> Callable[[Request], Awaitable[Response]]:
    """charged: it counts against the limits of the key, as an answer does."""

    async def respond(request: Request) -> Response:
        key = await access.admit(request)
        if charged:
            access.charge(request, key)
        exchange = exchange_of(request.scope)
        response = Response(await answer(request, exchange), media_type="application/json")
        exchange.status = 200
        response.raw_headers.extend(exchange.headers())
        return response

    return respond


class _Routes:
    def __init__(self, around: Surroundings, keeping: Keeping) -> None:
        self._around = around
        self._keeping = keeping

    async def asked(self, data: bytes, exchange: Exchange, space: Space) -> ResponsesRequest:
        draft, past = await self._read(data, exchange, space)
        asked = await self._run(data, partial(draft.asked, past, clock=time.time))
        if asked.store or draft.previous is not None or draft.responses:
            exchange.keep = partial(self._keeping.keep, draft, asked, exchange)
        exchange.context_param = "input" if past.size < len(data) else "previous_response_id"
        return asked

    async def count(self, request: Request, exchange: Exchange) -> bytes:
        around = self._around
        around.load.admit()
        with around.load.body() as space:
            data = await body.read(request, around.limits, space)
            draft, past = await self._read(data, exchange, space, counted=True)
            tokens = await self._run(data, lambda: estimate_conversation(draft.conversation(past)))
        return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})

    async def show(self, request: Request, exchange: Exchange) -> bytes:
        if request.query_params.get("stream", "false") != "false":
            raise InvalidRequest(
                "An answer that is kept is not streamed again; leave `stream` out.",
                param="stream",
                code="unsupported_value",
            )
        kept = await self._keeping.find(request.path_params["id"], exchange)
        return stored.shown(kept, _included(request))

    async def delete(self, request: Request, exchange: Exchange) -> bytes:
        id = request.path_params["id"]
        await self._keeping.delete(id, exchange)
        return stored.deleted(id)

    async def items(self, request: Request, exchange: Exchange) -> bytes:
        query = request.query_params
        limit = query.get("limit", str(stored.DEFAULT_PAGE))
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= stored.LARGEST_PAGE):
            raise InvalidRequest(f"`limit` has to be from 1 to {stored.LARGEST_PAGE}.", param="limit")
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise InvalidRequest("`order` has to be asc or desc.", param="order")
        with self._around.load.body() as space:
            past = await self._keeping.items(request.path_params["id"], exchange, space)
        return stored.page(past.items, limit=int(limit), newest_first=order == "desc", after=query.get("after"))

    async def cancel(self, request: Request, exchange: Exchange) -> bytes:
        """Whatever is kept has ended."""
        await self._keeping.find(request.path_params["id"], exchange)
        raise Refused(409, "The response has ended; there is nothing to cancel.", "response_not_cancellable")

    async def compact(self, request: Request, exchange: Exchange) -> bytes:
        """Its path would else be read as a response's id."""
        raise Refused(404, "Conversations are not compacted here; send them as they are.", "not_found")

    async def _read(
        self, data: bytes, exchange: Exchange, space: Space, *, counted: bool = False
    ) -> tuple[Draft, Past]:
        draft = await self._run(data, lambda: read(data, keeps=self._keeping.keeps, counted=counted))
        return draft, await self._keeping.past(draft, exchange, space)

    async def _run(self, data: bytes, work: Callable[[], _T]) -> _T:
        """In a thread when it would take long."""
        return work() if len(data) < self._around.limits.offload_bytes else await asyncio.to_thread(work)


def _included(request: Request) -> list[str]:
    return [*request.query_params.getlist("include"), *request.query_params.getlist("include[]")]
