"""What came back, in no dialect.

A reply is a sequence of parts (text, reasoning, tool use), numbered from 0 in order of appearance. Each part is
started, filled and ended; parts of different tool uses may interleave. Exactly one `Usage` and then exactly one
`Finished` close a reply. A failure is raised, it is not an event, so a reply without `Finished` is not one.

The garbage collector need not see the events: one is made per token, and none can be part of a cycle.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Literal, TypeAlias, assert_never

import msgspec


class StopReason(Enum):
    """Why the model stopped."""

    END_TURN = "end_turn"
    TOOL_USE = "tool_use"
    MAX_TOKENS = "max_tokens"
    CONTENT_FILTER = "content_filter"
    CONTEXT_WINDOW = "context_window"
    STOP_SEQUENCE = "stop_sequence"


class TextStarted(msgspec.Struct, frozen=True, gc=False):
    index: int


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """`text` is never empty."""

    index: int
    text: str


class ReasoningStarted(msgspec.Struct, frozen=True, gc=False):
    index: int


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """`text` is never empty."""

    index: int
    text: str


class ReasoningSignature(msgspec.Struct, frozen=True, gc=False):
    """A piece of the signature; pieces of one part are concatenated, byte for byte."""

    index: int
    signature: str


class ReasoningRedacted(msgspec.Struct, frozen=True, gc=False):
    """A whole part of reasoning that the service has encrypted; `PartEnded` follows."""

    index: int
    data: str


class Found(msgspec.Struct, frozen=True, gc=False):
    """A page of the web. `published` is a date in any form, or None."""

    title: str
    url: str
    snippet: str = ""
    published: str | None = None


class Searched(msgspec.Struct, frozen=True):
    """A whole part: what was looked up on the web before the answer; `PartEnded` follows."""

    index: int
    id: str
    query: str
    found: tuple[Found, ...]


class ToolUseStarted(msgspec.Struct, frozen=True, gc=False):
    """`name` is the client's own name of the tool; `id` is unique within the reply."""

    index: int
    id: str
    name: str


class ToolArguments(msgspec.Struct, frozen=True, gc=False):
    """A piece of the arguments' JSON text, never empty. The pieces of an ended part make one document."""

    index: int
    fragment: str


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    index: int


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens. `source` says who counted: the backend, its context meter times the window, or our estimator."""

    input_tokens: int
    output_tokens: int
    source: Literal["backend", "context", "estimate"]
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    credits: float | None = None


class Finished(msgspec.Struct, frozen=True, gc=False):
    """`stop_sequence` is the client's own string that ended the text, for that reason."""

    reason: StopReason
    stop_sequence: str | None = None


ReplyEvent: TypeAlias = (
    TextStarted
    | TextDelta
    | ReasoningStarted
    | ReasoningDelta
    | ReasoningSignature
    | ReasoningRedacted
    | Searched
    | ToolUseStarted
    | ToolArguments
    | PartEnded
    | Usage
    | Finished
)


class TextPart(msgspec.Struct, frozen=True):
    text: str


class ReasoningPart(msgspec.Struct, frozen=True):
    text: str
    signature: str


class RedactedPart(msgspec.Struct, frozen=True):
    data: str


class SearchPart(msgspec.Struct, frozen=True):
    id: str
    query: str
    found: tuple[Found, ...]


class ToolUsePart(msgspec.Struct, frozen=True):
    id: str
    name: str
    arguments: str


ReplyPart: TypeAlias = TextPart | ReasoningPart | RedactedPart | SearchPart | ToolUsePart


class Reply(msgspec.Struct, frozen=True):
    """A whole answer. `stop_sequence` is as in `Finished`."""

    parts: tuple[ReplyPart, ...]
    usage: Usage
    reason: StopReason
    stop_sequence: str | None = None


class _Open:
    """A part being collected."""

    def __init__(self, started: TextStarted | ReasoningStarted | ReasoningRedacted | Searched | ToolUseStarted) -> None:
        self.started = started
        self.pieces: list[str] = []
        self.signature: list[str] = []

    def close(self) -> ReplyPart:
        text = "".join(self.pieces)
        match self.started:
            case TextStarted():
                return TextPart(text)
            case ReasoningStarted():
                return ReasoningPart(text, "".join(self.signature))
            case ReasoningRedacted(data=data):
                return RedactedPart(data)
            case Searched(id=search_id, query=query, found=found):
                return SearchPart(search_id, query, found)
            case ToolUseStarted(id=tool_id, name=name):
                return ToolUsePart(tool_id, name, text)
            case _:
                assert_never(self.started)


class Folder:
    """Collects events into a `Reply`: `feed` each batch, then read `reply` (None until `Finished` has come)."""

    def __init__(self) -> None:
        self._parts: dict[int, _Open] = {}
        self._usage: Usage | None = None
        self.reply: Reply | None = None

    def feed(self, events: Iterable[ReplyEvent]) -> None:
        for event in events:
            match event:
                case TextStarted() | ReasoningStarted() | ReasoningRedacted() | Searched() | ToolUseStarted():
                    self._parts[event.index] = _Open(event)
                case TextDelta(index=index, text=piece) | ReasoningDelta(index=index, text=piece):
                    self._parts[index].pieces.append(piece)
                case ToolArguments(index=index, fragment=piece):
                    self._parts[index].pieces.append(piece)
                case ReasoningSignature(index=index, signature=signature):
                    self._parts[index].signature.append(signature)
                case PartEnded():
                    pass
                case Usage():
                    self._usage = event
                case Finished(reason=reason, stop_sequence=stop):
                    usage = self._usage or Usage(0, 0, "estimate")
                    parts = tuple(self._parts[i].close() for i in sorted(self._parts))
                    self.reply = Reply(parts, usage, reason, stop)
                case _:
                    assert_never(event)


def fold(events: Iterable[ReplyEvent]) -> Reply:
    """The whole reply of a complete sequence of events. Raises ValueError when `Finished` is missing."""
    folder = Folder()
    folder.feed(events)
    if folder.reply is None:
        raise ValueError("the reply has no end")
    return folder.reply
