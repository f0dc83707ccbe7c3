"""The calls that are made for one answer. Attempts are repeated here and nowhere else, and only while nothing of an
answer has been handed out.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

from cwproxy.accounts.selection import Selected
from cwproxy.codewhisperer import surfaces, tokens
from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.codewhisperer.catalog import Model
from cwproxy.errors import BackendError, StreamTruncated
from cwproxy.filters import Filters
from cwproxy.reply import ReplyEvent
from cwproxy.service import deadline
from cwproxy.service.preparation import Prepared
from cwproxy.upstream import Upstream
from cwproxy.upstream.reading import Reading
from cwproxy.upstream.retry import Situation, delay

log = logging.getLogger("cwproxy.service")

TRAILERLESS = 2
"""Streams without a trailer, and none with one, after which an account counts as one that sends none."""


@dataclass(slots=True)
class _Trailers:
    """What has been seen of an account's streams: some never send the events that mark a complete answer
    (backend-rules.md B8), and only of those is an answer without them taken for whole.
    """

    seen: bool = False
    missing: int = 0

    @property
    def expected(self) -> bool:
        return self.seen or self.missing < TRAILERLESS


class Attempts:
    """request_seconds: deadline of a request. clock: monotonic seconds."""

    def __init__(self, upstream: Upstream, *, request_seconds: float, clock: Callable[[], float]) -> None:
        self._upstream = upstream
        self._request_seconds = request_seconds
        self._clock = clock
        self._trailers: defaultdict[str, _Trailers] = defaultdict(_Trailers)

    async def batches(
        self, asked: Prepared, model: Model, account: Selected, fields: bytes | None = None
    ) -> AsyncGenerator[list[ReplyEvent], None]:
        """The answer, as lists of events. Raises InvalidRequest, BackendError, LoginRequired and StoreError."""
        started = self._clock()
        end = started + self._request_seconds
        invocation = str(uuid4())
        trailers = self._trailers[account.account_id]
        attempt = 0
        while True:
            attempt += 1
            said = False
            assembler = Assembler(
                asked.tool_names,
                input_tokens=asked.input_tokens,
                window=model.max_input_tokens,
                expects_trailer=trailers.expected,
            )
            filters = Filters(asked.demands, tokens.weigh) if asked.demands else None
            call = surfaces.chat_call(
                account.target, asked.state, invocation_id=invocation, attempt=attempt, model_fields=fields
            )
            try:
                async with (
                    self._upstream.stream(call, account.auth) as reads,
                    aclosing(deadline.batches(reads, Reading(assembler, filters), self._clock, end)) as batches,
                ):
                    async for batch in batches:
                        said = True
                        trailers.seen |= assembler.saw_trailer  # before the yield: nobody has to come back after it
                        yield batch
                return
            except BackendError as error:
                if type(error) is StreamTruncated:
                    trailers.missing += 1
                now = self._clock()
                situation = Situation(attempt, now - started, end - now)
                wait = None if said else delay(error, situation, random=random.random())  # noqa: S311 - jitter
                if wait is None:
                    raise
                log.info(
                    "attempt %d failed (%s, %s); next in %.2f s", attempt, type(error).__name__, error.reason, wait
                )
            await asyncio.sleep(wait)
