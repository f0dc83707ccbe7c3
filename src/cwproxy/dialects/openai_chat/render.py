"""Events of a reply -> the bytes of a Chat Completions stream (compatibility.md 1.4).

The order is: the role once, deltas, `finish_reason`, usage when it was asked for, `[DONE]`. All chunks of one
batch are handed out as one piece of bytes. A text delta costs one string encoding between two constants.
"""

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

import msgspec

from cwproxy.dialects.openai_chat.shape import PLAIN, Shape, finish_reason, usage_object
from cwproxy.inbound import custom
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    Searched,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

PIECE: Final = 160_000
"""Characters of one delta. Escaped, each takes at most 6 bytes: no SSE event exceeds 1 MiB (reliability.md 1.8)."""

_encode = msgspec.json.Encoder().encode


class _Call:
    """A tool call being shown: its place among the calls, and whether any argument has been sent.

    input: the arguments so far of a custom tool's call, which can only be unwrapped when they are complete.
    """

    def __init__(self, place: int, input: list[str] | None) -> None:
        self.place = place
        self.has_arguments = False
        self.input = input


class Renderer:
    """One stream. `feed` it every batch; after `finished` nothing may follow.

    index: which choice of the answer it is. alone: there is no other, so the stream ends with it.
    `usage` is what the reply said of it, None before.
    """

    def __init__(
        self,
        *,
        id: str,
        created: int,
        model: str,
        include_usage: bool = False,
        shape: Shape = PLAIN,
        index: int = 0,
        alone: bool = True,
    ) -> None:
        head = _encode({"id": id, "object": "chat.completion.chunk", "created": created, "model": model})[:-1]
        self._include_usage = include_usage
        self._head = b"data: " + head + b',"choices":['
        self._delta = self._head + b'{"index":%d,"delta":' % index
        self._text = self._delta + b'{"content":'
        self._reasoning = self._delta + b'{"reasoning_content":'
        self._tail = b"]%b}\n\n" % (b',"usage":null' if include_usage else b"")
        self._delta_end = b',"logprobs":null,"finish_reason":null}' + self._tail
        self._text_end = b"}" + self._delta_end
        self._shape = shape
        self._alone = alone
        self._begun = False
        self._calls: dict[int, _Call] = {}
        self.usage: Usage | None = None
        self.finished = False

    def feed(self, events: Iterable[ReplyEvent]) -> bytes:
        """The chunks of one batch; empty when none of its events is shown."""
        out: list[bytes] = []
        if not self._begun:
            self._begun = True
            out.append(self._delta + b'{"role":"assistant","content":""}' + self._delta_end)
        text, text_end = self._text, self._text_end
        for event in events:
            if type(event) is TextDelta and len(event.text) <= PIECE:
                out += (text, _encode(event.text), text_end)
            else:
                out += self._other(event)
        return b"".join(out)

    def closing(self, usage: Usage | None) -> bytes:
        """What ends the stream after the last choice."""
        told = usage_object(usage or Usage(0, 0, "estimate")) if self._include_usage else None
        chunk = self._head + b'],"usage":' + _encode(told) + b"}\n\n" if told is not None else b""
        return chunk + b"data: [DONE]\n\n"

    def _other(self, event: ReplyEvent) -> Iterator[bytes]:
        match event:
            case TextDelta(text=text) | ReasoningDelta(text=text):
                start = self._text if isinstance(event, TextDelta) else self._reasoning
                for piece in _pieces(text):
                    yield start + _encode(piece) + self._text_end
            case ToolUseStarted():
                yield from self._call_started(event)
            case ToolArguments(index=index, fragment=fragment):
                yield from self._call_arguments(index, fragment)
            case PartEnded(index=index):
                yield from self._call_ended(index)
            case Usage():
                self.usage = event
            case Finished():
                yield from self._end(event)
            case TextStarted() | ReasoningStarted() | ReasoningSignature() | ReasoningRedacted() | Searched():
                pass
            case _:
                assert_never(event)

    def _call_started(self, event: ToolUseStarted) -> Iterator[bytes]:
        limit = self._shape.call_limit
        if limit is not None and len(self._calls) >= limit:
            return
        free = event.name in self._shape.custom
        call = self._calls[event.index] = _Call(len(self._calls), [] if free else None)
        function = {"name": event.name, "arguments": ""}
        if self._shape.legacy_functions:
            yield self._chunk({"function_call": function})
        elif free:
            told = {"index": call.place, "id": event.id, "type": "custom", "custom": {"name": event.name, "input": ""}}
            yield self._chunk({"tool_calls": [told]})
        else:
            told = {"index": call.place, "id": event.id, "type": "function", "function": function}
            yield self._chunk({"tool_calls": [told]})

    def _call_arguments(self, index: int, fragment: str) -> Iterator[bytes]:
        call = self._calls.get(index)
        if call is None:
            return
        if call.input is not None:
            call.input.append(fragment)
            return
        call.has_arguments = True
        for piece in _pieces(fragment):
            if self._shape.legacy_functions:
                yield self._chunk({"function_call": {"arguments": piece}})
            else:
                yield self._chunk({"tool_calls": [{"index": call.place, "function": {"arguments": piece}}]})

    def _call_ended(self, index: int) -> Iterator[bytes]:
        call = self._calls.get(index)
        if call is None:
            return
        if call.input is not None:
            for piece in _pieces(custom.unwrapped("".join(call.input))):
                yield self._chunk({"tool_calls": [{"index": call.place, "custom": {"input": piece}}]})
        elif not call.has_arguments:
            yield from self._call_arguments(index, "{}")

    def _chunk(self, delta: object) -> bytes:
        return self._delta + _encode(delta) + self._delta_end

    def _end(self, event: Finished) -> Iterator[bytes]:
        reason = finish_reason(event.reason, self._shape, called=bool(self._calls))
        yield self._delta + b'{},"logprobs":null,"finish_reason":"%b"}' % reason.encode() + self._tail
        if self._alone:
            yield self.closing(self.usage)
        self.finished = True


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
