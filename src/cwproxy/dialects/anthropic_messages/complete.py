"""The whole answer as one `message` object (compatibility.md 2.2)."""

from collections.abc import Iterator
from typing import Literal, TypeAlias, assert_never

import msgspec

from cwproxy.dialects.anthropic_messages.shape import (
    DIRECT,
    PLAIN,
    Caller,
    Ending,
    MessageUsage,
    SearchInput,
    SearchResult,
    SearchUse,
    Shape,
    ending,
    search_result,
    usage_object,
)
from cwproxy.reply import ReasoningPart, RedactedPart, Reply, ReplyPart, SearchPart, TextPart, ToolUsePart


class _Text(msgspec.Struct, frozen=True, tag="text"):
    text: str
    citations: tuple[()] = ()


class _Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    thinking: str
    signature: str


class _Redacted(msgspec.Struct, frozen=True, tag="redacted_thinking"):
    data: str


class _ToolUse(msgspec.Struct, frozen=True, tag="tool_use"):
    id: str
    name: str
    input: msgspec.Raw
    caller: Caller = DIRECT


_Block: TypeAlias = _Text | _Thinking | _Redacted | _ToolUse | SearchUse | SearchResult


class _Message(msgspec.Struct, frozen=True):
    id: str
    model: str
    content: list[_Block]
    stop_reason: Ending
    stop_sequence: str | None
    usage: MessageUsage
    stop_details: None = None
    container: None = None
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"


def complete(reply: Reply, *, id: str, model: str, shape: Shape = PLAIN) -> bytes:
    """The response body. `citations` is an empty list, because clients break on null and validators on its absence."""
    content = [block for part in reply.parts for block in _blocks(part, shape)]
    searches = sum(isinstance(block, SearchUse) for block in content)
    called = any(isinstance(block, _ToolUse) for block in content)
    reason = ending(reply.reason, called=called)
    stop_sequence = reply.stop_sequence if reason == "stop_sequence" else None
    return msgspec.json.encode(_Message(id, model, content, reason, stop_sequence, usage_object(reply.usage, searches)))


def _blocks(part: ReplyPart, shape: Shape) -> Iterator[_Block]:
    match part:
        case TextPart(text=text):
            yield _Text(text)
        case ToolUsePart(id=id, name=name, arguments=arguments):
            if shape.calls:
                yield _ToolUse(id, name, _input(arguments))
        case ReasoningPart() | RedactedPart() if shape.thinking == "hidden":
            pass
        case ReasoningPart(text=text, signature=signature):
            yield _Thinking("" if shape.thinking == "omitted" else text, signature)
        case RedactedPart(data=data):
            yield _Redacted(data)
        case SearchPart(id=id, query=query, found=found):
            yield SearchUse(id, SearchInput(query))
            yield search_result(id, found)
        case _:
            assert_never(part)


def _input(arguments: str) -> msgspec.Raw:
    """The arguments as the object that they have to be; what the model wrote instead is kept under `_raw`."""
    try:
        msgspec.json.decode(arguments or "{}", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return msgspec.Raw(msgspec.json.encode({"_raw": arguments}))
    return msgspec.Raw((arguments or "{}").encode())
