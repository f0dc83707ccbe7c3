"""Answers of the Responses API that are kept, and found again by the API key that they were given to.

Keeping never takes an answer away, and delays no more than its end: what cannot be kept, or not soon, is given out
with `store: false`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from cwproxy.accounts.callers import LOCAL
from cwproxy.api.exchange import Exchange
from cwproxy.api.load import Space
from cwproxy.api.refused import Refused
from cwproxy.dialects.openai_responses import Draft, Past, ResponsesRequest, stored
from cwproxy.dialects.openai_responses.stored import Record, Step
from cwproxy.errors import ContextLengthExceeded, InvalidRequest, StoreError
from cwproxy.store.responses import Responses
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.responses")

PATIENCE: Final = 5.0
"""Seconds that the end of an answer waits for the store: a disk that is busy elsewhere may take
some for a write, and an answer that is not kept ends the client's conversation.
"""

REST: Final = 10.0
"""Seconds for which nothing is given to a store that has failed, or was too slow."""

WRITERS: Final = 2
"""Threads that write at once; others wait for one, so that a store that is stuck leaves threads for everything else."""


class Keeping:
    """responses: None where nothing is kept. most_bytes: of the items that one request refers to."""

    def __init__(
        self,
        responses: Responses | None,
        *,
        most_bytes: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._responses = responses
        self._most = most_bytes
        self._patience = patience
        self._clock = clock
        self._writers = asyncio.Semaphore(WRITERS)
        self._rests_until = float("-inf")

    @property
    def keeps(self) -> bool:
        return self._responses is not None

    async def past(self, draft: Draft, exchange: Exchange, space: Space) -> Past:
        """What the request refers to, for which room is taken from `space`. Raises InvalidRequest for a response that
        is not there, ContextLengthExceeded, and Refused (503).
        """
        if draft.previous is None and not draft.references:
            return Past()
        return await in_store(self._past, draft, _owner(exchange), space)

    async def keep(self, draft: Draft, asked: ResponsesRequest, exchange: Exchange, response: bytes) -> bytes:
        """The response as the client is to be given it. What it refers to counts as used."""
        if self._responses is None:
            return response
        work = partial(_keep, self._responses, draft, asked, _owner(exchange), response)
        return response if await self._written(work) else stored.not_kept(response)

    async def find(self, id: str, exchange: Exchange) -> Record:
        """Raises Refused (404)."""
        found = await in_store(self._find, id, _owner(exchange))
        if found is None:
            raise _missing(id)
        return found

    async def items(self, id: str, exchange: Exchange, space: Space) -> Past:
        """What the response was made from. Raises Refused (404, 503) and InvalidRequest."""
        kept = await self.find(id, exchange)
        room = _Room(self._most, space)
        before = await in_store(self._chain, kept.previous, _owner(exchange), room, past=True)
        return Past((*stored.past(before, {}).items, *kept.input))

    async def delete(self, id: str, exchange: Exchange) -> None:
        """Raises Refused (404)."""
        responses = self._responses
        if responses is None or not await in_store(responses.delete, id, _owner(exchange)):
            raise _missing(id)

    def _past(self, draft: Draft, owner: str, space: Space) -> Past:
        room = _Room(self._most, space)
        chain = self._chain(draft.previous, owner, room)
        known = stored.past(chain, {}).kept
        others: dict[str, bytes] = {}
        ids = frozenset(draft.references)
        for id in draft.responses:
            body = self._get(id, owner)
            named = {} if body is None else stored.step(body).named(ids)
            room.take(sum(map(len, named.values())), "input")
            others |= named
        given = {**known, **others}
        # Every mention of an item is read anew; one of each has been counted.
        mentioned = sum(len(given.get(id, b"")) for id in draft.references)
        room.take(mentioned - sum(map(len, others.values())), "input")
        return stored.past(chain, others)

    def _chain(self, id: str | None, owner: str, room: "_Room", *, past: bool = False) -> list[Step]:
        """From the latest, which is `id`, back to the first. past: that one may have been deleted, too."""
        chain: list[Step] = []
        next = id
        while next is not None:
            body = self._get(next, owner, past=past or bool(chain))
            if body is None:
                raise _no_previous(id or next)
            step = stored.step(body)
            room.take(step.size, "previous_response_id")
            chain.append(step)
            next = step.previous
        return chain

    def _find(self, id: str, owner: str) -> Record | None:
        body = self._get(id, owner)
        return None if body is None else stored.recall(body)

    def _get(self, id: str, owner: str, *, past: bool = False) -> bytes | None:
        return self._responses.get(id, owner, past=past) if self._responses is not None else None

    async def _written(self, work: Callable[[], bool]) -> bool:
        """Whether it was done in time. A thread cannot be stopped: it may yet be done later."""
        if self._clock() < self._rests_until:
            return False
        writing: asyncio.Task[bool] | None = None
        try:
            async with asyncio.timeout(self._patience):
                await self._writers.acquire()
                writing = asyncio.ensure_future(asyncio.to_thread(work))
                writing.add_done_callback(self._written_or_not)
                return await asyncio.shield(writing)
        except TimeoutError:
            if writing is None:
                log.warning("an answer is not kept: too many are to be kept at once")
                return False
            log.warning("answers are not kept for %g seconds: the store is too slow", REST)
        except StoreError as error:
            log.warning("answers are not kept for %g seconds (%s)", REST, error.message)
        self._rests_until = self._clock() + REST
        return False

    def _written_or_not(self, writing: "asyncio.Task[bool]") -> None:
        self._writers.release()
        if not writing.cancelled():
            writing.exception()  # whoever is still waiting is told


class _Room:
    """How many bytes of items there may still be."""

    def __init__(self, most: int, space: Space) -> None:
        self._left = most
        self._space = space

    def take(self, size: int, param: str) -> None:
        """param: what refers to them. Raises ContextLengthExceeded, and Refused when the process has no room."""
        self._left -= size
        if self._left < 0:
            raise ContextLengthExceeded(f"The conversation that `{param}` refers to is too long.", param=param)
        self._space.take(size)


def _keep(responses: Responses, draft: Draft, asked: ResponsesRequest, owner: str, response: bytes) -> bool:
    if draft.responses:
        responses.used(draft.responses, owner)
    if not asked.store:
        if draft.previous is not None:
            responses.used([draft.previous], owner)
        return True
    try:
        id, body = stored.record(asked, response)
    except (InvalidRequest, ValueError, RecursionError) as error:
        log.warning("an answer cannot be kept (%s)", type(error).__name__)
        return False
    if not responses.put(id, owner, body, asked.previous):
        log.warning("an answer is too large to be kept, or what it follows is gone")
        return False
    return True


def _owner(exchange: Exchange) -> str:
    return (exchange.caller or LOCAL).key_id or ""


def _no_previous(id: str) -> InvalidRequest:
    return InvalidRequest(
        f"Previous response with id '{id[:80]}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def _missing(id: str) -> Refused:
    return Refused(404, f"Response with id '{id[:80]}' not found.", "response_not_found")
