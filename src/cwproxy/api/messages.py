"""The routes of Anthropic's API. `/v1/models` is shared: its objects are both APIs' (`models`)."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from fastapi import FastAPI, Request, Response

from cwproxy.api import body
from cwproxy.api.access import AccessPolicy
from cwproxy.api.answering import answering
from cwproxy.api.answers import Surroundings
from cwproxy.api.exchange import exchange_of
from cwproxy.api.lane import Lanes
from cwproxy.codewhisperer.tokens import estimate_conversation
from cwproxy.dialects.anthropic_messages import parse, parse_count


def add_routes(app: FastAPI, lanes: Lanes, prefix: str, around: Surroundings, access: AccessPolicy) -> None:
    """`/messages` and `/messages/count_tokens` under `prefix`."""
    parsing = partial(parse, estimate=estimate_conversation)
    lanes.add(app, f"{prefix}/messages", answering(around, access, parsing))
    app.add_route(f"{prefix}/messages/count_tokens", _counting(around, access), methods=["POST"])


def _counting(around: Surroundings, access: AccessPolicy) -> Callable[[Request], Awaitable[Response]]:
    async def count(request: Request) -> Response:
        await access.admit(request)
        around.load.admit()
        with around.load.body() as space:
            data = await body.read(request, around.limits, space)
            if len(data) < around.limits.offload_bytes:
                tokens = parse_count(data, estimate=estimate_conversation)
            else:
                tokens = await asyncio.to_thread(parse_count, data, estimate=estimate_conversation)
        exchange = exchange_of(request.scope)
        exchange.status = 200
        response = Response(msgspec.json.encode({"input_tokens": tokens}), media_type="application/json")
        response.raw_headers.extend(exchange.headers())
        return response

    return count
