"""A search of the web before an answer: what Claude Code asks for in a request of its own (backend-rules.md E 8).

The service has a search, but its models do not call it by themselves. So the client's query is looked up first, and the
model is asked with what was found. Where nobody can search, or the search fails, the model is asked as it is.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace

import msgspec

from cwproxy.api.seam import Answer, Model, Service
from cwproxy.conversation import AssistantTurn, Conversation, Text, ToolResult, ToolUse, UserTurn
from cwproxy.errors import BackendError
from cwproxy.reply import Finished, Found, PartEnded, ReplyEvent, Searched, Usage

TOOL = "web_search"


class _Informed:
    """An answer whose first part is the search."""

    def __init__(self, answer: Answer, batches: AsyncGenerator[list[ReplyEvent], None]) -> None:
        self._answer = answer
        self._batches = batches

    @property
    def model(self) -> Model:
        return self._answer.model

    @property
    def takes_effort(self) -> bool:
        return self._answer.takes_effort

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]:
        return self._batches


@asynccontextmanager
async def informed(
    service: Service,
    conversation: Conversation,
    ask: Callable[[Conversation], AbstractAsyncContextManager[Answer]],
    *,
    id: str,
    unavailable: Callable[[], None],
) -> AsyncIterator[Answer]:
    """As `ask`. `unavailable` is called before it when there has been no search."""
    query = conversation.search or ""
    try:
        found = await service.search(query)
    except BackendError:
        found = None
    plain = replace(conversation, search=None)
    if found is None:
        unavailable()
        async with ask(plain) as answer:
            yield answer
        return
    async with (
        ask(_with(plain, id, query, found)) as answer,
        aclosing(_batches(answer, Searched(0, id, query, found))) as batches,
    ):
        yield _Informed(answer, batches)


def _with(conversation: Conversation, id: str, query: str, found: tuple[Found, ...]) -> Conversation:
    pages = [Text("\n".join(filter(None, (page.title, page.url, page.published, page.snippet)))) for page in found]
    call = AssistantTurn((ToolUse(id, TOOL, json.dumps({"query": query}, ensure_ascii=False)),))
    result = UserTurn((ToolResult(id, tuple(pages) or (Text("Nothing was found."),)),))
    return replace(conversation, turns=(*conversation.turns, call, result))


async def _batches(answer: Answer, searched: Searched) -> AsyncGenerator[list[ReplyEvent], None]:
    """The search is told with the first words, so that an early failure still has a status."""
    first: list[ReplyEvent] = [searched, PartEnded(0)]
    async for batch in answer:
        yield [*first, *map(_later, batch)]
        first = []


def _later(event: ReplyEvent) -> ReplyEvent:
    if isinstance(event, Usage | Finished):
        return event
    return msgspec.structs.replace(event, index=event.index + 1)
