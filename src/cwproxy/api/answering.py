"""The plain routes that answer: admit the caller, read the body, let the dialect parse it, and hand on to `answers`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeAlias, get_args

from fastapi import Request, Response
from msgspec.structs import replace

from cwproxy.accounts.callers import LOCAL
from cwproxy.api import body
from cwproxy.api.access import AccessPolicy
from cwproxy.api.answers import StreamedAnswer, Surroundings, WholeAnswer
from cwproxy.api.exchange import Exchange, exchange_of
from cwproxy.api.load import Space
from cwproxy.api.refused import draining
from cwproxy.api.seam import Asked
from cwproxy.errors import InvalidRequest
from cwproxy.filters import Buffering

_BUFFERED = "x-cwproxy-buffered"
_STRICT = "x-cwproxy-strict"
_OFF = frozenset({"", "0", "false", "no", "off"})
_CONVERSATION_HEADERS = ("x-conversation-id", "x-cwproxy-conversation")


class Parse(Protocol):
    """Of a dialect."""

    def __call__(self, body: bytes, *, max_choices: int) -> Asked: ...


Read: TypeAlias = Callable[[bytes, Exchange, Space], Awaitable[Asked]]
"""The request in a body. It may have to look something up, for which it takes room, and may want something done with
the answer.
"""


def answering(around: Surroundings, access: AccessPolicy, parse: Parse) -> Callable[[Request], Awaitable[Response]]:
    """A plain route: FastAPI's dependencies and validation, of which it needs none, take longer than the conversion."""

    async def read(data: bytes, exchange: Exchange, _: Space) -> Asked:
        if len(data) < around.limits.offload_bytes:
            return parse(data, max_choices=around.limits.choices)
        return await asyncio.to_thread(parse, data, max_choices=around.limits.choices)

    return answering_what(around, access, read)


def answering_what(around: Surroundings, access: AccessPolicy, read: Read) -> Callable[[Request], Awaitable[Response]]:
    """The same for a request that is not understood by its body alone."""

    async def answer(request: Request) -> Response:
        key = await access.admit(request)
        if around.drain.draining:
            raise draining()
        around.load.admit()
        access.charge(request, key)
        exchange = exchange_of(request.scope)
        with around.load.body() as space:
            data = await body.read(request, around.limits, space)
            if around.dumps is not None:
                exchange.dump = partial(around.dumps.write, exchange.request_id, data)
            asked = await read(data, exchange, space)
        strict = around.strict or request.headers.get(_STRICT, "").strip().lower() not in _OFF
        if strict:
            _refuse_ineffective(asked)
        name = next((value for header in _CONVERSATION_HEADERS if (value := request.headers.get(header))), None)
        if name is not None:
            asked = asked.called(name)
        _choose_buffering(request, exchange)
        kind = StreamedAnswer if asked.stream else WholeAnswer
        return kind(around, asked, exchange, strict=strict)

    return answer


def _choose_buffering(request: Request, exchange: Exchange) -> None:
    """What the client says of this request counts more than what is said of its key."""
    wanted = request.headers.get(_BUFFERED)
    if wanted is None:
        return
    chosen = next((mode for mode in get_args(Buffering) if mode == wanted.strip().lower()), None)
    if chosen is None:
        raise InvalidRequest(f"The header {_BUFFERED} is one of {', '.join(get_args(Buffering))}.")
    exchange.caller = replace(exchange.caller or LOCAL, buffered=chosen)


def _refuse_ineffective(asked: Asked) -> None:
    for name in asked.ignored:
        raise InvalidRequest(f"`{name}` has no effect here; leave it out.", param=name, code="unsupported_parameter")
