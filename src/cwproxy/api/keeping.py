"""Answers of the Responses API that are kept, and found again by the API key that they were given to."""

import asyncio
import logging
from collections.abc import Iterable

from cwproxy.accounts.callers import LOCAL
from cwproxy.api.exchange import Exchange
from cwproxy.api.refused import Refused
from cwproxy.dialects.openai_responses import Draft, Past, ResponsesRequest, stored
from cwproxy.dialects.openai_responses.stored import Record
from cwproxy.errors import ContextLengthExceeded, InvalidRequest, StoreError
from cwproxy.store.responses import Responses

log = logging.getLogger("cwproxy.responses")


class Keeping:
    """responses: None where nothing is kept. most_bytes: of the records of one conversation."""

    def __init__(self, responses: Responses | None, *, most_bytes: int) -> None:
        self._responses = responses
        self._most = most_bytes

    @property
    def keeps(self) -> bool:
        return self._responses is not None

    async def past(self, draft: Draft, exchange: Exchange) -> Past:
        """What the request refers to. Raises InvalidRequest for a response that is not there."""
        if draft.previous is None and not draft.responses:
            return Past()
        return await asyncio.to_thread(self._past, draft, _owner(exchange))

    async def keep(self, asked: ResponsesRequest, exchange: Exchange, response: bytes) -> None:
        """A store that fails does not take the answer from the client: a later request is told that it is not kept."""
        if self._responses is None:
            return
        try:
            await asyncio.to_thread(self._keep, self._responses, asked, _owner(exchange), response)
        except StoreError as error:
            log.warning("an answer cannot be kept (%s)", error.message)

    async def find(self, id: str, exchange: Exchange) -> Record:
        """Raises Refused (404)."""
        found = await asyncio.to_thread(self._find, id, _owner(exchange))
        if found is None:
            raise _missing(id)
        return found

    async def items(self, id: str, exchange: Exchange) -> Past:
        """What the response was made from. Raises Refused (404) and InvalidRequest."""
        kept = await self.find(id, exchange)
        before = await asyncio.to_thread(self._chain, kept.previous, _owner(exchange))
        earlier = stored.past(before, [])
        return Past((*earlier.items, *kept.input))

    async def delete(self, id: str, exchange: Exchange) -> None:
        """Raises Refused (404)."""
        responses = self._responses
        if responses is None or not await asyncio.to_thread(responses.delete, id, _owner(exchange)):
            raise _missing(id)

    def _past(self, draft: Draft, owner: str) -> Past:
        chain = self._chain(draft.previous, owner)
        others = [found for id in draft.responses if (found := self._find(id, owner)) is not None]
        self._used([*chain, *others])
        return stored.past(chain, others)

    def _chain(self, id: str | None, owner: str) -> list[Record]:
        """From the latest back to the first."""
        chain: list[Record] = []
        size = 0
        while id is not None:
            found = self._find(id, owner)
            if found is None:
                raise _no_previous(id)
            chain.append(found)
            size += sum(len(bytes(item)) for item in found.items())
            if size > self._most:
                raise ContextLengthExceeded("The conversation that `previous_response_id` continues is too long.")
            id = found.previous
        return chain

    def _find(self, id: str, owner: str) -> Record | None:
        body = self._responses.get(id, owner) if self._responses is not None else None
        return None if body is None else stored.recall(body)

    def _used(self, records: Iterable[Record]) -> None:
        ids = list(stored.ids(records))
        if ids and self._responses is not None:
            self._responses.used(ids)

    def _keep(self, responses: Responses, asked: ResponsesRequest, owner: str, response: bytes) -> None:
        id, body = stored.record(asked, response)
        if not responses.put(id, owner, body):
            log.warning("an answer is too large to be kept")


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
