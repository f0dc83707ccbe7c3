"""The whole answer as one `chat.completion` object (compatibility.md 1.3)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from cwproxy.dialects.openai_chat.shape import (
    PLAIN,
    ChatUsage,
    FinishReason,
    Shape,
    finish_reason,
    total,
    usage_object,
)
from cwproxy.inbound import custom
from cwproxy.reply import ReasoningPart, Reply, TextPart, ToolUsePart


class _Called(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class _Call(msgspec.Struct, frozen=True):
    id: str
    function: _Called
    type: Literal["function"] = "function"


class _CustomCalled(msgspec.Struct, frozen=True):
    name: str
    input: str


class _CustomCall(msgspec.Struct, frozen=True):
    id: str
    custom: _CustomCalled
    type: Literal["custom"] = "custom"


class _Message(msgspec.Struct, frozen=True):
    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    annotations: tuple[()] = ()
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[_Call | _CustomCall] | msgspec.UnsetType = msgspec.UNSET
    function_call: _Called | msgspec.UnsetType = msgspec.UNSET


class _Choice(msgspec.Struct, frozen=True):
    index: int
    message: _Message
    finish_reason: FinishReason
    logprobs: None = None


class _Completion(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: list[_Choice]
    usage: ChatUsage
    object: Literal["chat.completion"] = "chat.completion"


def complete(replies: Sequence[Reply], *, id: str, created: int, model: str, shape: Shape = PLAIN) -> bytes:
    """The response body, one choice for each reply to the same prompt. `content` is null only when there are calls and
    no text; `system_fingerprint` is left out, because null fails schema validators.
    """
    choices = [_choice(index, reply, shape) for index, reply in enumerate(replies)]
    usage = total([reply.usage for reply in replies], [0] * len(replies))
    return msgspec.json.encode(_Completion(id, created, model, choices, usage_object(usage)))


def _choice(index: int, reply: Reply, shape: Shape) -> _Choice:
    texts = [part.text for part in reply.parts if isinstance(part, TextPart)]
    thoughts = [part.text for part in reply.parts if isinstance(part, ReasoningPart)]
    calls = [part for part in reply.parts if isinstance(part, ToolUsePart)][: shape.call_limit]
    message = _Message(
        "".join(texts) if texts or not calls else None,
        reasoning_content="".join(thoughts) if thoughts else msgspec.UNSET,
        tool_calls=[_call(part, shape) for part in calls] if calls and not shape.legacy_functions else msgspec.UNSET,
        function_call=_called(calls[0]) if calls and shape.legacy_functions else msgspec.UNSET,
    )
    return _Choice(index, message, finish_reason(reply.reason, shape, called=bool(calls)))


def _call(part: ToolUsePart, shape: Shape) -> _Call | _CustomCall:
    if part.name in shape.custom:
        return _CustomCall(part.id, _CustomCalled(part.name, custom.unwrapped(part.arguments)))
    return _Call(part.id, _called(part))


def _called(part: ToolUsePart) -> _Called:
    return _Called(part.name, part.arguments or "{}")
