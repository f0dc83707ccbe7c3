"""Events of a reply -> the bytes of a Messages stream (compatibility.md 2.2).

Blocks stand one after the other, numbered from 0, so what the backend says of a part while another one is open waits
for that one's end. All events of one batch are handed out as one piece of bytes. A text delta costs one string encoding
between two constants.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias, assert_never

import msgspec

from cwproxy.dialects.anthropic_messages.shape import (
    DIRECT,
    PLAIN,
    MessageUsage,
    SearchUse,
    Shape,
    ending,
    search_result,
    usage_object,
)
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

_NONE: Final = -1

_encode = msgspec.json.Encoder().encode

_Started: TypeAlias = TextStarted | ReasoningStarted | ReasoningRedacted | ToolUseStarted
_PartEvent: TypeAlias = (
    _Started | TextDelta | ReasoningDelta | ReasoningSignature | ToolArguments | Searched | PartEnded
)


class Renderer:
    """One stream. `feed` it every batch; after `finished` nothing may follow.

    input_tokens: the estimate that the stream begins with; its end tells what there is to tell. `usage` is what the
    reply said of it, None before.
    """

    def __init__(self, *, id: str, model: str, input_tokens: int, shape: Shape = PLAIN) -> None:
        message: dict[str, object] = {
            "id": id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "container": None,
            "usage": MessageUsage(input_tokens, 0),
        }
        self._start = _event("message_start", message=message) + _event("ping")
        self._shape = shape
        self._begun = False
        self._blocks = 0
        self._open = _NONE
        self._text = b""
        self._signature: list[str] = []
        self._called = False
        self._searches = 0
        self._argued = True
        self._waiting: dict[int, list[_PartEvent]] = {}
        self.usage: Usage | None = None
        self.finished = False

    def feed(self, events: Iterable[ReplyEvent]) -> bytes:
        """The events of one batch; empty when none of them is shown."""
        out: list[bytes] = []
        if not self._begun:
            self._begun = True
            out.append(self._start)
        for event in events:
            if type(event) is TextDelta and event.index == self._open and len(event.text) <= PIECE:
                out += (self._text, _encode(event.text), b"}}\n\n")
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, Finished):
                out += self._end(event)
            else:
                out += self._part(event)
        return b"".join(out)

    def _part(self, event: _PartEvent) -> Iterator[bytes]:
        """What is said of the open part, and of those that come after its end."""
        if self._open == _NONE:
            self._open = event.index
        if event.index != self._open:
            self._waiting.setdefault(event.index, []).append(event)
            return
        yield from self._said(event)
        while self._open == _NONE and self._waiting:
            index = next(iter(self._waiting))
            self._open = index
            for held in self._waiting.pop(index):
                yield from self._said(held)

    def _said(self, event: _PartEvent) -> Iterator[bytes]:
        match event:
            case TextStarted() | ReasoningStarted() | ReasoningRedacted() | ToolUseStarted():
                if self._is_shown(event):
                    yield self._started(event)
            case Searched():
                yield from self._searched(event)
            case PartEnded():
                yield from self._ended()
            case TextDelta() | ReasoningDelta() | ReasoningSignature() | ToolArguments():
                if self._text:
                    yield from self._filled(event)
            case _:
                assert_never(event)

    def _searched(self, event: Searched) -> Iterator[bytes]:
        """Two blocks, whole."""
        self._searches += 1
        yield _event("content_block_start", index=self._blocks, content_block=SearchUse(event.id, {}))
        query = _encode({"query": event.query}).decode()
        yield self._delta(type="input_json_delta", partial_json=query)
        yield _event("content_block_stop", index=self._blocks)
        result = search_result(event.id, event.found)
        yield _event("content_block_start", index=self._blocks + 1, content_block=result)
        yield _event("content_block_stop", index=self._blocks + 1)
        self._blocks += 2

    def _is_shown(self, event: _Started) -> bool:
        match event:
            case TextStarted():
                return True
            case ReasoningStarted() | ReasoningRedacted():
                return self._shape.thinking != "hidden"
            case ToolUseStarted():
                return self._shape.calls
            case _:
                assert_never(event)

    def _started(self, event: _Started) -> bytes:
        if isinstance(event, ToolUseStarted):
            self._called, self._argued = True, False
        self._text = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":' % self._blocks
        )
        return _event("content_block_start", index=self._blocks, content_block=_block(event))

    def _filled(self, event: TextDelta | ReasoningDelta | ReasoningSignature | ToolArguments) -> Iterator[bytes]:
        match event:
            case TextDelta(text=text):
                for piece in _pieces(text):
                    yield self._delta(type="text_delta", text=piece)
            case ReasoningDelta(text=text):
                for piece in _pieces(text) if self._shape.thinking == "shown" else ():
                    yield self._delta(type="thinking_delta", thinking=piece)
            case ReasoningSignature(signature=signature):
                self._signature.append(signature)
            case ToolArguments(fragment=fragment):
                self._argued = True
                for piece in _pieces(fragment):
                    yield self._delta(type="input_json_delta", partial_json=piece)
            case _:
                assert_never(event)

    def _ended(self) -> Iterator[bytes]:
        """The SDKs take a signature from one delta, and nothing for a call's arguments is no JSON."""
        self._open = _NONE
        if not self._text:
            return
        if self._signature:
            yield self._delta(type="signature_delta", signature="".join(self._signature))
            self._signature.clear()
        if not self._argued:
            self._argued = True
            yield self._delta(type="input_json_delta", partial_json="{}")
        yield _event("content_block_stop", index=self._blocks)
        self._blocks += 1
        self._text = b""

    def _delta(self, **delta: str) -> bytes:
        return _event("content_block_delta", index=self._blocks, delta=delta)

    def _end(self, event: Finished) -> Iterator[bytes]:
        reason = ending(event.reason, called=self._called)
        stop_sequence = event.stop_sequence if reason == "stop_sequence" else None
        usage = usage_object(self.usage or Usage(0, 0, "estimate"), self._searches)
        delta = {"stop_reason": reason, "stop_sequence": stop_sequence, "stop_details": None, "container": None}
        yield _event("message_delta", delta=delta, usage=usage)
        yield _event("message_stop")
        self.finished = True


def _block(event: _Started) -> dict[str, object]:
    """An empty block: what is in it follows."""
    match event:
        case TextStarted():
            return {"type": "text", "text": "", "citations": []}
        case ReasoningStarted():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ReasoningRedacted(data=data):
            return {"type": "redacted_thinking", "data": data}
        case ToolUseStarted(id=id, name=name):
            return {"type": "tool_use", "id": id, "name": name, "input": {}, "caller": DIRECT}
        case _:
            assert_never(event)


def _event(type: str, **members: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (type.encode(), _encode({"type": type, **members}))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
