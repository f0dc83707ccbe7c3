"""The whole answer as one `chat.completion` object (compatibility.md 1.3)."""

from typing import Literal

import msgspec

from cwproxy.dialects.openai_chat.shape import PLAIN, ChatUsage, FinishReason, Shape, finish_reason, usage_object
from cwproxy.reply import ReasoningPart, Reply, TextPart, ToolUsePart


class _Called(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class _Call(msgspec.Struct, frozen=True):
    id: str
    function: _Called
    type: Literal["function"] = "function"


class _Message(msgspec.Struct, frozen=True):
    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    annotations: tuple[()] = ()
    reasoning_content: str | msgspec.UnsetType = msgspec.UNSET
    tool_calls: list[_Call] | msgspec.UnsetType = msgspec.UNSET
    function_call: _Called | msgspec.UnsetType = msgspec.UNSET


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: FinishReason
    index: Literal[0] = 0
    logprobs: None = None


class _Completion(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: tuple[_Choice]
    usage: ChatUsage
    object: Literal["chat.completion"] = "chat.completion"


def complete(reply: Reply, *, id: str, created: int, model: str, shape: Shape = PLAIN) -> bytes:
    """The response body. `content` is null only when there are calls and no text; `system_fingerprint` is left out,
    because null fails schema validators.
    """
    texts = [part.text for part in reply.parts if isinstance(part, TextPart)]
    thoughts = [part.text for part in reply.parts if isinstance(part, ReasoningPart)]
    calls = [
        _Call(part.id, _Called(part.name, part.arguments or "{}"))
        for part in reply.parts
        if isinstance(part, ToolUsePart)
    ][: shape.call_limit]
    content = "".join(texts)
    message = _Message(
        (json_document(content) if shape.json_only else content) if texts or not calls else None,
        reasoning_content="".join(thoughts) if thoughts else msgspec.UNSET,
        tool_calls=calls if calls and not shape.legacy_functions else msgspec.UNSET,
        function_call=calls[0].function if calls and shape.legacy_functions else msgspec.UNSET,
    )
    choice = _Choice(message, finish_reason(reply.reason, shape, called=bool(calls)))
    return msgspec.json.encode(_Completion(id, created, model, (choice,), usage_object(reply.usage)))


def json_document(text: str) -> str:
    """The JSON document in an answer that wraps it in a code fence or in talk; the text as it is when none is found."""
    stripped = text.strip()
    if _is_json(stripped):
        return stripped
    for opening, closing in (("{", "}"), ("[", "]")):
        start, end = stripped.find(opening), stripped.rfind(closing)
        if start != -1 and _is_json(inner := stripped[start : end + 1]):
            return inner
    return text


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
