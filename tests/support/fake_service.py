"""A service without accounts: it plays a script, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import Conversation
from cwproxy.errors import CwproxyError, ModelNotFound
from cwproxy.reply import (
    Finished,
    Found,
    PartEnded,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

Step: TypeAlias = list[ReplyEvent] | Exception | asyncio.Event
"""A batch that is handed out, an exception that is raised, or an event that is waited for."""


def text_reply(*pieces: str) -> list[Step]:
    """One batch per piece, then the end."""
    steps: list[Step] = [[TextStarted(0)]]
    steps += [[TextDelta(0, piece)] for piece in pieces]
    return [*steps, [PartEnded(0), Usage(7, 5, "estimate"), Finished(StopReason.END_TURN)]]


def tool_reply(*calls: tuple[str, str, str]) -> list[Step]:
    """Calls as (id, name, arguments), one batch each, then the end."""
    steps: list[Step] = []
    for index, (call_id, name, arguments) in enumerate(calls):
        pieces: list[ReplyEvent] = [ToolArguments(index, arguments)] if arguments else []
        steps.append([ToolUseStarted(index, call_id, name), *pieces, PartEnded(index)])
    return [*steps, [Usage(7, 5, "backend"), Finished(StopReason.TOOL_USE)]]


@dataclass(frozen=True, slots=True)
class FakeModel:
    id: str
    name: str
    max_input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class FakeCatalog:
    models: Sequence[FakeModel] = (FakeModel("claude-sonnet-4", "Claude Sonnet 4", 200_000), FakeModel("auto", "Auto"))
    aliased: bool = False

    def named(self) -> Iterator[tuple[str, FakeModel]]:
        yield from ((model.id, model) for model in self.models)
        yield from ((f"my/{model.id}", model) for model in self.models if self.aliased)

    def resolve(self, client_name: str, /) -> FakeModel:
        for model in self.models:
            if client_name in (model.id, f"my/{model.id}"):
                return model
        raise ModelNotFound(f"There is no model {client_name!r}.")


@dataclass(frozen=True, slots=True)
class FakeReadiness:
    ready: bool = True
    counts: str = "an account is logged in"


class FakeAnswer:
    def __init__(self, batches: AsyncGenerator[list[ReplyEvent], None], *, takes_effort: bool) -> None:
        self._batches = batches
        self.takes_effort = takes_effort
        self.model = FakeModel("claude-sonnet-4", "Claude Sonnet 4")

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]:
        return self._batches


@dataclass(slots=True)
class FakeService:
    """opening: what happens before the answer is entered; steps: what it says; more: what later answers say instead,
    one after the other.

    entered is set when an answer is asked for, waiting whenever the script waits for an event, left when the last
    answer has been left; open counts those that have not.
    """

    steps: Sequence[Step] = field(default_factory=lambda: text_reply("Hello", " world"))
    opening: Step | None = None
    more: Sequence[Sequence[Step]] = ()
    takes_effort: bool = False
    catalog: FakeCatalog | CwproxyError = field(default_factory=FakeCatalog)
    state: FakeReadiness = field(default_factory=FakeReadiness)
    found: tuple[Found, ...] | CwproxyError | None = None
    searches: list[str] = field(default_factory=list)
    asked: list[Conversation] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    buffered: list[str | None] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    deadlines: list[float] = field(default_factory=list)
    untils: list[float | None] = field(default_factory=list)
    answers: list[FakeAnswer] = field(default_factory=list)
    open: int = 0

    async def models(self) -> FakeCatalog:
        if isinstance(self.catalog, CwproxyError):
            raise self.catalog
        return self.catalog

    async def search(self, conversation: Conversation, query: str, /, *, caller: Caller) -> tuple[Found, ...] | None:
        self.searches.append(query)
        if isinstance(self.found, CwproxyError):
            raise self.found
        return self.found

    async def readiness(self) -> FakeReadiness:
        return self.state

    def deadline(self) -> float:
        self.deadlines.append(590.0 + len(self.deadlines))
        return self.deadlines[-1]

    @asynccontextmanager
    async def answer(
        self, conversation: Conversation, *, caller: Caller, streamed: bool = True, until: float | None = None
    ) -> AsyncIterator[FakeAnswer]:
        self.untils.append(until)
        self.asked.append(conversation)
        self.callers.append(caller.name)
        self.buffered.append(caller.buffered)
        self.entered.set()
        self.left.clear()
        self.open += 1
        try:
            if self.opening is not None:
                await self._play(self.opening)
            later = len(self.asked) - 2
            steps = self.more[later] if 0 <= later < len(self.more) else self.steps
            async with aclosing(self._batches(steps)) as batches:
                self.answers.append(FakeAnswer(batches, takes_effort=self.takes_effort))
                yield self.answers[-1]
        finally:
            self.open -= 1
            self.left.set()

    async def _batches(self, steps: Sequence[Step]) -> AsyncGenerator[list[ReplyEvent], None]:
        for step in steps:
            if isinstance(step, list):
                yield step
            else:
                await self._play(step)

    async def _play(self, step: Step) -> None:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, asyncio.Event):
            self.waiting.set()
            await step.wait()
