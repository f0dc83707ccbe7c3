"""A call of a tool that must be made: if none comes, the model is asked once more (compatibility.md 3.2). A call of a
tool that the client does not allow, such as one that only the history knows, is none.

Nothing is given out until a call begins or the second answer has none either, because what was sent cannot be taken
back. A client that forces a tool has no use for the text before it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TypeAlias

from cwproxy.api.seam import Answer, Model
from cwproxy.codewhisperer.repair import after_missing_call
from cwproxy.conversation import Conversation
from cwproxy.errors import CwproxyError
from cwproxy.reply import Finished, ReplyEvent, StopReason, TextDelta, ToolUseStarted

_Ask: TypeAlias = Callable[[Conversation], AbstractAsyncContextManager[Answer]]


class Insisted:
    """An answer with a call, or else the text of the first one."""

    def __init__(self, first: Answer, batches: AsyncGenerator[list[ReplyEvent], None]) -> None:
        self._first = first
        self._batches = batches

    @property
    def model(self) -> Model:
        return self._first.model

    @property
    def takes_effort(self) -> bool:
        return self._first.takes_effort

    def __aiter__(self) -> AsyncIterator[list[ReplyEvent]]:
        return self._batches


@asynccontextmanager
async def insisted(ask: _Ask, conversation: Conversation, *, unmet: Callable[[], None]) -> AsyncIterator[Insisted]:
    """As `ask`. `unmet` is called before the first batch when there is no call in the end."""
    async with ask(conversation) as first:
        attempts = _Attempts(ask, conversation)
        async with aclosing(attempts.batches(first, unmet)) as batches:
            yield Insisted(first, batches)


class _Attempts:
    def __init__(self, ask: _Ask, conversation: Conversation) -> None:
        self._ask = ask
        self._conversation = conversation
        self._allowed = frozenset(tool.name for tool in conversation.tools)
        self._called = False

    async def batches(self, first: Answer, unmet: Callable[[], None]) -> AsyncGenerator[list[ReplyEvent], None]:
        held: list[list[ReplyEvent]] = []
        async with aclosing(self._until_called(first, held)) as batches:
            async for batch in batches:
                yield batch
        if self._called:
            return
        if _may_be_repeated(held):
            async with aclosing(self._again(_text(held))) as batches:
                async for batch in batches:
                    yield batch
        if not self._called:
            unmet()
            for batch in held:
                yield batch

    async def _again(self, said: str) -> AsyncGenerator[list[ReplyEvent], None]:
        """The second answer if it has a call. A failure now leaves the client what there is."""
        conversation = after_missing_call(self._conversation, said)
        try:
            async with (
                self._ask(conversation) as second,
                aclosing(self._until_called(second, [])) as batches,
            ):
                async for batch in batches:
                    yield batch
        except CwproxyError:
            if self._called:
                raise

    async def _until_called(
        self, answer: Answer, held: list[list[ReplyEvent]]
    ) -> AsyncGenerator[list[ReplyEvent], None]:
        """All of an answer with a call, from the moment that the call begins; nothing of another, which is `held`."""
        async for batch in answer:
            if not self._called:
                held.append(batch)
                if not any(type(event) is ToolUseStarted and event.name in self._allowed for event in batch):
                    continue
                self._called = True
                for earlier in held:
                    yield earlier
            else:
                yield batch


def _may_be_repeated(held: list[list[ReplyEvent]]) -> bool:
    """Not what the length or a content filter ended, for that would happen again."""
    reason = next((event.reason for batch in held for event in batch if isinstance(event, Finished)), None)
    return reason in (StopReason.END_TURN, StopReason.TOOL_USE)


def _text(held: list[list[ReplyEvent]]) -> str:
    return "".join(event.text for batch in held for event in batch if isinstance(event, TextDelta))
