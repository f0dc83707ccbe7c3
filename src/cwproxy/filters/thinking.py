"""`<thinking>...</thinking>` at the start of an answer's text, which older models write there, as reasoning.

Only when it is switched on: an answer that merely speaks of the tag would be torn apart (backend-rules.md B14). Only
the very start counts, and however the text was cut into pieces, the result is the same.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final

import msgspec

from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningStarted,
    ReplyEvent,
    TextDelta,
    TextStarted,
    Usage,
)

OPENING: Final = "<thinking>"
CLOSING: Final = "</thinking>"


class _Place(Enum):
    """Where in the first text part the next piece belongs."""

    START = 0
    THOUGHT = 1
    GAP = 2
    TEXT = 3


class ThinkingTags:
    """`feed` each batch. The first text part may become two; parts after it are then numbered one higher. What was
    in the tags is counted in the usage, as other reasoning is.

    weigh: tokens of a text, not rounded.
    """

    def __init__(self, weigh: Callable[[str], float]) -> None:
        self._weigh = weigh
        self._weight = 0.0
        self._first: int | None = None
        self._place = _Place.START
        self._held = ""
        self._split = False
        self._thinks = False

    def feed(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        """The events, with the tags taken out."""
        out: list[ReplyEvent] = []
        for event in events:
            if self._first is None and isinstance(event, TextStarted):
                self._first = event.index
            elif isinstance(event, TextDelta) and event.index == self._first:
                out += self._text(event.text)
            elif isinstance(event, PartEnded) and event.index == self._first:
                out += self._end()
            elif isinstance(event, Usage):
                out.append(self._counted(event))
            else:
                out.append(self._moved(event))
        return out

    @property
    def _number(self) -> int:
        """Of the part that is being written."""
        return (self._first or 0) + (self._split and self._place is _Place.TEXT)

    def _counted(self, usage: Usage) -> Usage:
        """Who counted did not know the thought for one."""
        thought = max(1, round(self._weight)) if self._weight else 0
        return msgspec.structs.replace(
            usage, reasoning_tokens=min(usage.reasoning_tokens + thought, usage.output_tokens)
        )

    def _thought(self, text: str) -> ReasoningDelta:
        self._weight += self._weigh(text)
        return ReasoningDelta(self._number, text)

    def _moved(self, event: ReplyEvent) -> ReplyEvent:
        """Later parts leave room for another one whether or not it comes: they may begin before that is known."""
        if isinstance(event, Usage | Finished) or self._first is None or event.index < self._first:
            return event
        return msgspec.structs.replace(event, index=event.index + 1)

    def _text(self, text: str) -> Iterator[ReplyEvent]:
        text, self._held = self._held + text, ""
        if self._place is _Place.START:
            text, begun = self._beginning(text)
            yield from begun
        if self._place is _Place.THOUGHT and text:
            text, thought = self._thinking(text)
            yield from thought
        if self._place is _Place.GAP and (text := text.lstrip()):
            self._place = _Place.TEXT
            yield TextStarted(self._number)
        if self._place is _Place.TEXT and text:
            yield TextDelta(self._number, text)

    def _beginning(self, text: str) -> tuple[str, list[ReplyEvent]]:
        """What is left of the text once it is known whether it begins with the tag."""
        stripped = text.lstrip()
        if stripped.startswith(OPENING):
            self._place, self._split = _Place.THOUGHT, True
            return stripped[len(OPENING) :], [ReasoningStarted(self._number)]
        if OPENING.startswith(stripped):
            self._held = text
            return "", []
        self._place = _Place.TEXT
        return text, [TextStarted(self._number)]

    def _thinking(self, text: str) -> tuple[str, list[ReplyEvent]]:
        """What is left of the text after the thought, and as much of the thought as is certain."""
        text = text if self._thinks else text.lstrip("\n")
        thought, closing, rest = text.partition(CLOSING)
        if not closing:
            kept = _may_begin(text)
            thought, self._held = text[:kept], text[kept:]
        self._thinks |= bool(thought)
        events: list[ReplyEvent] = [self._thought(thought)] if thought else []
        if closing:
            events.append(PartEnded(self._number))
            self._place = _Place.GAP
        return rest, events

    def _end(self) -> Iterator[ReplyEvent]:
        """Nothing is held back any more; a thought without its end was all there is."""
        held, self._held = self._held, ""
        if self._place is _Place.GAP:
            return
        if self._place is _Place.START:
            yield TextStarted(self._number)
            self._place = _Place.TEXT
        if held:
            yield self._thought(held) if self._place is _Place.THOUGHT else TextDelta(self._number, held)
        yield PartEnded(self._number)


def _may_begin(text: str) -> int:
    """The first place from which the rest of `text` may be the beginning of the closing tag."""
    for start in range(max(0, len(text) - len(CLOSING) + 1), len(text)):
        if CLOSING.startswith(text[start:]):
            return start
    return len(text)
