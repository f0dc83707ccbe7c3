"""A search of the web before an answer: what Claude Code asks for in a request of its own (backend-rules.md E 8).

The service has a search, but its models do not call it by themselves. So the client's query is looked up first, and the
model is asked with what was found. Where nobody can search, or the search fails, the model is asked as it is.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from urllib.parse import urlsplit

from msgspec.structs import replace

from cwproxy.accounts.callers import Caller
from cwproxy.api.seam import Answer, Model, Service
from cwproxy.conversation import AssistantTurn, Conversation, Search, Text, ToolResult, ToolUse, UserTurn
from cwproxy.errors import CwproxyError
from cwproxy.reply import Finished, Found, PartEnded, ReplyEvent, Searched, Usage

TOOL = "web_search"


class Lookup:
    """The search of one request, which is made once however often the model is asked. id: of the call that is told."""

    def __init__(self, service: Service, caller: Caller, *, id: str) -> None:
        self._service = service
        self._caller = caller
        self._made = False
        self._found: tuple[Found, ...] | None = None
        self.id = id

    async def found(self, conversation: Conversation, search: Search) -> tuple[Found, ...] | None:
        """None where there has been no search. A failure that an answer has as well comes again with it."""
        if not self._made:
            self._made = True
            try:
                pages = await self._service.search(conversation, search.query, caller=self._caller)
            except CwproxyError:
                return None
            if pages is not None:
                self._found = tuple(page for page in pages if wanted(page.url, search))
        return self._found


def wanted(url: str, search: Search) -> bool:
    """Whether a page of that address may be used."""
    if not search.allowed and not search.blocked:
        return True
    try:
        address = urlsplit(url)
        host, path = (address.hostname or "").rstrip("."), address.path.lower()
    except ValueError:
        return False
    if search.allowed and not any(_lies_in(host, path, place) for place in search.allowed):
        return False
    return bool(host) and not any(_lies_in(host, path, place) for place in search.blocked)


def _lies_in(host: str, path: str, place: str) -> bool:
    domain, _, under = place.strip().lower().rpartition("://")[2].partition("/")
    domain = domain.rstrip(".").removeprefix("*.")
    if not domain or (host != domain and not host.endswith(f".{domain}")):
        return False
    beginning = ".*".join(map(re.escape, under.strip("/").split("*")))
    return not under.strip("/") or re.match(f"/{beginning}(?:/|$)", path) is not None


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
    lookup: Lookup,
    conversation: Conversation,
    ask: Callable[[Conversation], AbstractAsyncContextManager[Answer]],
    *,
    unavailable: Callable[[], None],
) -> AsyncIterator[Answer]:
    """As `ask`. `unavailable` is called before it when there has been no search."""
    search, plain = conversation.search or Search(""), replace(conversation, search=None)
    found = await lookup.found(plain, search)
    if found is None:
        unavailable()
        async with ask(plain) as answer:
            yield answer
        return
    async with (
        ask(_with(plain, lookup.id, search.query, found)) as answer,
        aclosing(_batches(answer, Searched(0, lookup.id, search.query, found))) as batches,
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
    return replace(event, index=event.index + 1)
