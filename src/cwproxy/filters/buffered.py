"""Buffered mode, done to events: calls that are written as text become calls, and an answer is given out when it is
whole.

`calls` does the first while the answer streams, `full` does both: nothing goes out before the end, and then all of it
as an ordinary stream, without the gaps. Until then a failure can still be told as one, or another call be tried.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from cwproxy.filters.offer import Offer
from cwproxy.filters.spoken_calls import SpokenCalls
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

Buffering: TypeAlias = Literal["off", "calls", "full"]

PIECE: Final = 4_096
"""Characters of one piece of an answer that is given out at once."""


class CallsInText:
    """`feed` each batch. Parts are numbered anew, because calls at the end of a text become parts. What follows such
    calls is held back until it is known that the answer ends with them.
    """

    def __init__(self, offer: Offer) -> None:
        self._seed = offer.seed
        self._spoken = SpokenCalls(offer.notation, offer.call)
        self._text: int | None = None
        self._shown: int | None = None
        self._silent = True
        self._numbers: dict[int, int] = {}
        self._next = 0
        self._called = False
        self._waiting: list[ReplyEvent] = []

    def feed(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        """The events, with the calls taken out of the text."""
        out: list[ReplyEvent] = []
        for event in events:
            out += self._wait(event) if self._waiting else self._pass(event)
        return out

    def _pass(self, event: ReplyEvent) -> Iterator[ReplyEvent]:
        match event:
            case TextStarted(index=index):
                self._text, self._silent = index, True
            case TextDelta(text=text):
                said = self._spoken.feed(text)
                if self._shown is not None and said == text:
                    yield event if self._shown == event.index else TextDelta(self._shown, text)
                else:
                    yield from self._said(said)
            case PartEnded(index=index) if index == self._text:
                yield from self._said(self._spoken.flush())
                if self._spoken.calls:
                    self._waiting = [event]
                else:
                    yield from self._text_ended()
            case Usage():
                yield event
            case Finished(reason=reason):
                called = self._called and reason is StopReason.END_TURN
                yield Finished(StopReason.TOOL_USE) if called else event
            case _:
                yield msgspec.structs.replace(event, index=self._number(event.index))

    def _wait(self, event: ReplyEvent) -> Iterator[ReplyEvent]:
        """With calls at the end of what has been said so far."""
        self._waiting.append(event)
        match event:
            case Finished(reason=StopReason.END_TURN | StopReason.TOOL_USE):
                yield from self._end_shown()
                yield from self._calls()
            case Finished():
                yield from self._said(self._spoken.release())
            case TextDelta(text=text) if text.strip():
                yield from self._said(self._spoken.release())
            case _:
                return
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            yield from self._pass(each)

    def _number(self, index: int) -> int:
        if index not in self._numbers:
            self._numbers[index] = self._following()
        return self._numbers[index]

    def _following(self) -> int:
        self._next += 1
        return self._next - 1

    def _said(self, text: str) -> Iterator[ReplyEvent]:
        if not text:
            return
        if self._shown is None:
            self._shown = self._following()
            yield TextStarted(self._shown)
        yield TextDelta(self._shown, text)
        self._silent = False

    def _calls(self) -> Iterator[ReplyEvent]:
        self._silent, self._called = False, True
        for count, call in enumerate(self._spoken.take(), 1):
            number = self._following()
            yield ToolUseStarted(number, f"tooluse_{self._seed}{count}", call.name)
            yield ToolArguments(number, call.arguments)
            yield PartEnded(number)

    def _text_ended(self) -> Iterator[ReplyEvent]:
        if self._silent:
            self._shown = self._following()
            yield TextStarted(self._shown)
        yield from self._end_shown()
        self._text = None

    def _end_shown(self) -> Iterator[ReplyEvent]:
        if self._shown is not None:
            yield PartEnded(self._shown)
            self._shown = None


class Gathered:
    """`feed` each batch: neighbouring pieces of one text come out as one, so that each is worth its envelope."""

    def __init__(self) -> None:
        self._run: list[str] = []
        self._length = 0
        self._last: TextDelta | ReasoningDelta | None = None

    def feed(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        """The events but for the last run of pieces; the next event of another kind brings it."""
        out: list[ReplyEvent] = []
        for event in events:
            if not isinstance(event, TextDelta | ReasoningDelta):
                out += self._settled()
                out.append(event)
                continue
            last = self._last
            if last is not None and (type(last) is not type(event) or last.index != event.index):
                out += self._settled()
            self._last = event
            self._run.append(event.text)
            self._length += len(event.text)
            if self._length >= PIECE:
                out += self._settled()
        return out

    def _settled(self) -> Iterator[ReplyEvent]:
        if self._last is not None:
            text, kind, index = "".join(self._run), type(self._last), self._last.index
            self._run, self._length, self._last = [], 0, None
            yield kind(index, text)


class Whole:
    """`feed` each batch: nothing, until the answer has its end."""

    def __init__(self) -> None:
        self._held: list[ReplyEvent] = []

    def feed(self, events: Iterable[ReplyEvent], *, over: bool) -> list[ReplyEvent]:
        """over: the answer ends here although its last event is not there yet."""
        self._held += events
        if not over and not (self._held and isinstance(self._held[-1], Finished)):
            return []
        out, self._held = self._held, []
        return out
