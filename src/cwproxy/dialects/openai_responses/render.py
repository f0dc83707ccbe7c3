"""Events of a reply -> the bytes of a Responses stream (compatibility.md 2.1).

Every event has its number, every item the same id from its beginning to its end, and a stream ends with exactly one of
`response.completed`, `response.incomplete` and `response.failed`. Items that are written at the same time interleave;
`output_index` tells them apart. A text delta costs one string encoding between two constants. The end of a text waits
for what comes after it: only that tells whether it was cut.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, assert_never

import msgspec

from cwproxy.dialects.openai_responses.shape import (
    Frame,
    Json,
    Part,
    begun,
    incomplete,
    item,
    item_id,
    summary_part,
    text_content,
)
from cwproxy.inbound import custom
from cwproxy.inbound.failures import Failure
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningPart,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    RedactedPart,
    ReplyEvent,
    Searched,
    TextDelta,
    TextPart,
    TextStarted,
    ToolArguments,
    ToolUsePart,
    ToolUseStarted,
    Usage,
)

PIECE: Final = 160_000
"""Characters of one delta. Escaped, each takes at most 6 bytes: no delta exceeds 1 MiB (reliability.md 1.8). The events
that say at an end what there was say it whole, as the API has it, and are as long as that.
"""

_encode = msgspec.json.Encoder().encode

_Started: TypeAlias = TextStarted | ReasoningStarted | ReasoningRedacted | ToolUseStarted


class _Item:
    """An item being written. `text`: what goes between an event's number and a piece of text, for a message."""

    def __init__(self, part: Part, id: str, index: int) -> None:
        self.part = part
        self.where: Json = {"item_id": id, "output_index": index}
        self.id = id
        self.index = index
        self.pieces: list[str] = []
        self.signature: list[str] = []
        self.text = b',"item_id":%b,"output_index":%d,"content_index":0,"delta":' % (_encode(id), index)

    def whole(self) -> Part:
        """The part, with all that was said of it."""
        said = "".join(self.pieces)
        match self.part:
            case TextPart():
                return TextPart(said)
            case ReasoningPart():
                return ReasoningPart(said, "".join(self.signature))
            case ToolUsePart(id=id, name=name):
                return ToolUsePart(id, name, said)
            case RedactedPart():
                return self.part
            case _:
                assert_never(self.part)


class Renderer:
    """One stream. `feed` it every batch; after `finished`, or `failed`, nothing may follow.

    clock: epoch seconds. `usage` is what the reply said of it, None before; `whole` the body of the response when it
    has finished.
    """

    def __init__(self, frame: Frame, *, clock: Callable[[], float]) -> None:
        self._frame = frame
        self._shape = frame.shape
        self._clock = clock
        self._number = 0
        self._open: dict[int, _Item] = {}
        self._output: dict[int, Json] = {}
        self._shown = 0
        self._said: _Item | None = None
        self.usage: Usage | None = None
        self.finished = False
        self.whole = b""

    def feed(self, events: Iterable[ReplyEvent]) -> bytes:
        """The events of one batch."""
        out: list[bytes] = [] if self._number else self._begin()
        for event in events:
            if type(event) is TextDelta and len(event.text) <= PIECE:
                out.append(self._text(self._open[event.index], event.text))
            else:
                out += self._other(event)
        return b"".join(out)

    def failed(self, failure: Failure) -> bytes:
        """How the stream ends when it fails. Each of the two events is the one that some client looks at."""
        out = [] if self._number else self._begin()
        out += self._text_ended()
        failure = _with_wait(failure)
        told = {"code": failure.code, "message": failure.message, "param": failure.param}
        out.append(self._event("error", **told, error={"type": failure.type, **told}))
        response = self._frame.failed(self._items(), failure)
        out.append(self._event("response.failed", response=response))
        return b"".join(out)

    def _begin(self) -> list[bytes]:
        response = self._frame.open()
        names = ("response.created", "response.in_progress")
        return [self._event(name, response=response) for name in names]

    def _items(self) -> list[Json]:
        return [self._output[index] for index in sorted(self._output)]

    def _event(self, type: str, **members: object) -> bytes:
        data = _encode({"type": type, "sequence_number": self._number, **members})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (type.encode(), data)

    def _text(self, open: _Item, text: str) -> bytes:
        open.pieces.append(text)
        number = self._number
        self._number += 1
        return b"".join(
            (
                b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":',
                b"%d" % number,
                open.text,
                _encode(text),
                b',"logprobs":[]}\n\n',
            )
        )

    def _other(self, event: ReplyEvent) -> Iterator[bytes]:
        match event:
            case TextStarted() | ReasoningStarted() | ReasoningRedacted() | ToolUseStarted():
                yield from self._started(event)
            case TextDelta(index=index, text=text):
                for piece in _pieces(text):
                    yield self._text(self._open[index], piece)
            case ReasoningDelta() | ReasoningSignature():
                yield from self._thought(self._open[event.index], event)
            case ToolArguments(index=index, fragment=fragment):
                yield from self._argued(index, fragment)
            case PartEnded(index=index):
                yield from self._ended(index)
            case Usage():
                self.usage = event
            case Searched():
                pass  # it is not asked for here
            case Finished():
                yield from self._text_ended(cut=incomplete(event.reason) is not None)
                yield self._end(event)
            case _:
                assert_never(event)

    def _started(self, event: _Started) -> Iterator[bytes]:
        part = _part(event)
        if not self._shape.shows(part):
            return
        yield from self._text_ended()
        index = self._shown
        self._shown += 1
        id = item_id(part, self._shape, self._frame.id, index)
        open = self._open[event.index] = _Item(part, id, index)
        yield self._event("response.output_item.added", output_index=index, item=begun(part, id, self._shape))
        if isinstance(part, TextPart):
            yield self._event("response.content_part.added", **open.where, content_index=0, part=text_content(""))

    def _thought(self, open: _Item, event: ReasoningDelta | ReasoningSignature) -> Iterator[bytes]:
        if isinstance(event, ReasoningSignature):
            open.signature.append(event.signature)
            return
        text = event.text
        first = not open.pieces
        open.pieces.append(text)
        if not self._shape.summary:
            return
        if first:
            yield self._event(
                "response.reasoning_summary_part.added", **open.where, summary_index=0, part=summary_part("")
            )
        for piece in _pieces(text):
            yield self._event("response.reasoning_summary_text.delta", **open.where, summary_index=0, delta=piece)

    def _argued(self, index: int, fragment: str) -> Iterator[bytes]:
        """A custom tool's input can only be unwrapped when it is complete."""
        open = self._open.get(index)
        if open is None:
            return
        open.pieces.append(fragment)
        if isinstance(open.part, ToolUsePart) and open.part.name not in self._shape.custom:
            for piece in _pieces(fragment):
                yield self._event("response.function_call_arguments.delta", **open.where, delta=piece)

    def _ended(self, index: int) -> Iterator[bytes]:
        open = self._open.pop(index, None)
        if open is None:
            return
        yield from self._text_ended()
        part = open.whole()
        match part:
            case TextPart():
                self._said = open
                return
            case ToolUsePart() if part.name in self._shape.custom:
                yield from self._custom_ended(open, part)
            case ToolUsePart():
                yield from self._call_ended(open, part)
            case ReasoningPart(text=text):
                if self._shape.summary and text:
                    yield from self._thought_ended(open, text)
            case RedactedPart():
                pass
            case _:
                assert_never(part)
        yield self._item_done(open, item(part, open.id, self._shape))

    def _text_ended(self, *, cut: bool = False) -> Iterator[bytes]:
        """The end of the text that ended last, unless it has been told."""
        open, self._said = self._said, None
        if open is None:
            return
        part = open.whole()
        text = "".join(open.pieces)
        yield self._event("response.output_text.done", **open.where, content_index=0, text=text, logprobs=[])
        yield self._event("response.content_part.done", **open.where, content_index=0, part=text_content(text))
        yield self._item_done(open, item(part, open.id, self._shape, cut=cut))

    def _item_done(self, open: _Item, whole: Json) -> bytes:
        self._output[open.index] = whole
        return self._event("response.output_item.done", output_index=open.index, item=whole)

    def _custom_ended(self, open: _Item, part: ToolUsePart) -> Iterator[bytes]:
        text = custom.unwrapped(part.arguments)
        for piece in _pieces(text):
            yield self._event("response.custom_tool_call_input.delta", **open.where, delta=piece)
        yield self._event("response.custom_tool_call_input.done", **open.where, input=text)

    def _call_ended(self, open: _Item, part: ToolUsePart) -> Iterator[bytes]:
        """Nothing for the arguments is no JSON."""
        if not part.arguments:
            yield self._event("response.function_call_arguments.delta", **open.where, delta="{}")
        name = self._shape.named(part.name)["name"]
        arguments = part.arguments or "{}"
        yield self._event("response.function_call_arguments.done", **open.where, name=name, arguments=arguments)

    def _thought_ended(self, open: _Item, text: str) -> Iterator[bytes]:
        where = open.where | {"summary_index": 0}
        yield self._event("response.reasoning_summary_text.done", **where, text=text)
        yield self._event("response.reasoning_summary_part.done", **where, part=summary_part(text))

    def _end(self, event: Finished) -> bytes:
        usage = self.usage or Usage(0, 0, "estimate")
        response = self._frame.ended(self._items(), event.reason, usage, int(self._clock()))
        self.finished = True
        self.whole = _encode(response)
        name = "response.completed" if incomplete(event.reason) is None else "response.incomplete"
        return self._event(name, response=msgspec.Raw(self.whole))


def _part(event: _Started) -> Part:
    """The part, before anything is in it."""
    match event:
        case TextStarted():
            return TextPart("")
        case ReasoningStarted():
            return ReasoningPart("", "")
        case ReasoningRedacted(data=data):
            return RedactedPart(data)
        case ToolUseStarted(id=id, name=name):
            return ToolUsePart(id, name, "")
        case _:
            assert_never(event)


def _with_wait(failure: Failure) -> Failure:
    """It says when to try again, in the words that Codex looks for (compatibility.md 2.1): headers come too late."""
    wait = dict(failure.headers).get("retry-after")
    if wait is None or failure.code != "rate_limit_exceeded":
        return failure
    return msgspec.structs.replace(failure, message=f"{failure.message} Please try again in {wait}s.")


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
