"""All demands on one answer, as one object that events pass through: `feed` each batch and look at `ended`.

Order: reasoning in tags, calls written as text and then the JSON document are taken out of the text, stop strings end
it, the token budget cuts it; what is left may be held back until it is whole. Tool arguments and reasoning are never
searched; a call that is being written when the budget runs out is finished first.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, assert_never

import msgspec

from cwproxy.filters.budget import TokenBudget
from cwproxy.filters.buffered import CallsInText, Gathered, Whole
from cwproxy.filters.document import JsonDocument, Kind
from cwproxy.filters.offer import Offer
from cwproxy.filters.stop import StopSequences
from cwproxy.filters.thinking import ThinkingTags
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    Searched,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)


class Demands(msgspec.Struct, frozen=True):
    """stop: strings that end the text. max_tokens: None for no limit, else at least 1.
    json: the text is to be one JSON document of that kind.
    one_call: the answer ends where a second tool call would begin.
    thinking_tags: what is in `<thinking>` at the start of the text is reasoning.
    spoken: calls of these tools that are written as text are calls. whole: nothing is given out before the end.
    """

    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    json: Kind | None = None
    thinking_tags: bool = False
    one_call: bool = False
    spoken: Offer | None = None
    whole: bool = False

    def __bool__(self) -> bool:
        return self != _NOTHING


_NOTHING: Final = Demands()


class Filters:
    """One answer.

    weigh: tokens of a text, not rounded.
    ended: set when the answer is over although the backend goes on; then close it, and make usage and end yourself.
    stop_sequence: the stop string that ended it, if one did.
    """

    def __init__(self, demands: Demands, weigh: Callable[[str], float]) -> None:
        self._tags = ThinkingTags(weigh) if demands.thinking_tags else None
        self._spoken = CallsInText(demands.spoken) if demands.spoken is not None else None
        self._gathered = Gathered() if demands.whole else None
        self._whole = Whole() if demands.whole else None
        self._document = JsonDocument(demands.json) if demands.json is not None else None
        self._stops = StopSequences(demands.stop)
        self._budget = TokenBudget(demands.max_tokens, weigh) if demands.max_tokens is not None else None
        self._texts: set[int] = set()
        self._open: set[int] = set()
        self._one_call = demands.one_call
        self._called = False
        self._open_calls: set[int] = set()
        self._dropped: set[int] = set()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._over: StopReason | None = None
        self.ended: StopReason | None = None

    @property
    def stop_sequence(self) -> str | None:
        return self._stops.matched if self.ended is StopReason.STOP_SEQUENCE else None

    @property
    def said(self) -> str:
        """Text and calls that were let through."""
        return "".join(self._text)

    @property
    def thought(self) -> str:
        """Reasoning that was let through."""
        return "".join(self._reasoning)

    def feed(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        """What is left of the events, when it can be given out."""
        if self._gathered is not None:
            events = self._gathered.feed(events)
        if self._tags is not None:
            events = self._tags.feed(events)
        if self._spoken is not None:
            events = self._spoken.feed(events)
        out = self._demanded(events)
        return out if self._whole is None else self._whole.feed(out, over=self.ended is not None)

    def _demanded(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        out: list[ReplyEvent] = []
        for event in events:
            if self.ended is not None:
                break
            out += self._pass(event)
            if self._over is not None and not self._open_calls:
                out += self._close()
                self.ended = self._over
        return out

    def _close(self) -> Iterator[ReplyEvent]:
        """What has begun beside a call, and would be ended later."""
        for index in sorted(self._open):
            yield from self._part_ended(index)

    def _pass(self, event: ReplyEvent) -> Iterator[ReplyEvent]:
        match event:
            case TextDelta(index=index, text=text):
                yield from self._shown(index, self._fitting(text))
            case TextStarted() | ReasoningStarted() | ReasoningRedacted() | ToolUseStarted() | Searched():
                yield from self._started(event)
            case ReasoningDelta(index=index, text=text):
                yield from self._thinking(index, text)
            case ToolArguments(index=index, fragment=fragment):
                if index not in self._dropped:
                    self._count(fragment)
                    yield event
            case PartEnded(index=index):
                yield from self._part_ended(index)
            case ReasoningSignature(index=index):
                if index not in self._dropped:
                    yield event
            case Usage() | Finished():
                yield event
            case _:
                assert_never(event)

    def _started(
        self, event: TextStarted | ReasoningStarted | ReasoningRedacted | ToolUseStarted | Searched
    ) -> Iterator[ReplyEvent]:
        if self._one_call and self._called and isinstance(event, ToolUseStarted) and self._over is None:
            self._over = StopReason.TOOL_USE
        if self._over is not None:
            self._dropped.add(event.index)
            return
        match event:
            case TextStarted():
                self._texts.add(event.index)
            case ToolUseStarted():
                self._called = True
                self._open_calls.add(event.index)
                self._count(event.name)
            case _:
                pass
        self._open.add(event.index)
        yield event

    def _fitting(self, text: str) -> str:
        """What may be shown of a piece of text."""
        if self._over is not None:
            return ""
        if self._document is not None:
            text = self._document.feed(text)
        return self._cut(self._stops.feed(text))

    def _cut(self, text: str) -> str:
        if self._budget is not None:
            text = self._budget.feed(text)
            if self._budget.exhausted:
                self._over = StopReason.MAX_TOKENS
                return text
        if self._stops.matched is not None:
            self._over = StopReason.STOP_SEQUENCE
        return text

    def _shown(self, index: int, text: str) -> Iterator[ReplyEvent]:
        if text:
            self._text.append(text)
            yield TextDelta(index, text)
        if self._over is not None and index in self._texts:
            self._texts.discard(index)
            self._dropped.add(index)
            yield self._ended(index)

    def _ended(self, index: int) -> PartEnded:
        self._open.discard(index)
        return PartEnded(index)

    def _thinking(self, index: int, text: str) -> Iterator[ReplyEvent]:
        if self._over is not None:
            return
        if self._budget is not None:
            text = self._budget.feed(text)
        if text:
            self._reasoning.append(text)
            yield ReasoningDelta(index, text)
        if self._budget is not None and self._budget.exhausted:
            self._over = StopReason.MAX_TOKENS
            self._dropped.add(index)
            yield self._ended(index)

    def _part_ended(self, index: int) -> Iterator[ReplyEvent]:
        if index in self._dropped:
            return
        if index in self._texts:
            yield from self._rest_of_text(index)
            return
        self._open_calls.discard(index)
        yield self._ended(index)

    def _rest_of_text(self, index: int) -> Iterator[ReplyEvent]:
        """At the end of a text nothing is held back any more."""
        rest = self._document.flush() if self._document is not None else ""
        rest = self._stops.feed(rest) + self._stops.flush()
        yield from self._shown(index, self._cut(rest))
        if index in self._texts:
            self._texts.discard(index)
            yield self._ended(index)

    def _count(self, text: str) -> None:
        self._text.append(text)
        if self._budget is not None:
            self._budget.spend(text)
            if self._budget.exhausted:
                self._over = StopReason.MAX_TOKENS
