"""What the streamed and the whole form of a response share: the object, its items, its end and its usage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from cwproxy.dialects.openai_responses.items import ToolName, shown_call_id
from cwproxy.dialects.openai_responses.thoughts import sealed
from cwproxy.inbound import custom
from cwproxy.inbound.failures import Failure
from cwproxy.reply import ReasoningPart, RedactedPart, ReplyPart, SearchPart, StopReason, TextPart, ToolUsePart, Usage

ID_PREFIX: Final = "resp_"

Json: TypeAlias = dict[str, object]
Part: TypeAlias = TextPart | ReasoningPart | RedactedPart | ToolUsePart


class Shape(msgspec.Struct, frozen=True):
    """How the request wants to be answered.

    calls: whether tool calls may be shown (not with `tool_choice: none`). custom: names of the tools that are custom
    ones. names: what the client calls the tools that the model calls by another name. summary: thoughts are shown.
    encrypted: thoughts are given along to be sent back. echo: members of the object that repeat the request.
    """

    calls: bool = True
    custom: frozenset[str] = frozenset()
    names: Mapping[str, ToolName] = msgspec.field(default_factory=dict)
    summary: bool = False
    encrypted: bool = False
    echo: Mapping[str, object] = msgspec.field(default_factory=dict)

    def shows(self, part: Part) -> bool:
        return self.calls or not isinstance(part, ToolUsePart)

    def shown(self, parts: Iterable[ReplyPart]) -> list[Part]:
        """Searches of the web are not asked for here."""
        return [part for part in parts if not isinstance(part, SearchPart) and self.shows(part)]

    def named(self, name: str) -> Json:
        """The name of a tool, as the client has given it."""
        namespace, own = self.names.get(name, (None, name))
        return {"name": own} if namespace is None else {"name": own, "namespace": namespace}


PLAIN: Final = Shape()


class InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


def usage_object(usage: Usage) -> ResponseUsage:
    return ResponseUsage(
        usage.input_tokens,
        InputDetails(usage.cache_read_tokens, usage.cache_write_tokens),
        usage.output_tokens,
        OutputDetails(usage.reasoning_tokens),
        usage.input_tokens + usage.output_tokens,
    )


def prefix(part: Part, shape: Shape) -> str:
    """Of the item's id."""
    match part:
        case TextPart():
            return "msg_"
        case ReasoningPart() | RedactedPart():
            return "rs_"
        case ToolUsePart(name=name):
            return "ctc_" if name in shape.custom else "fc_"
        case _:
            assert_never(part)


def item_id(part: Part, shape: Shape, response_id: str, index: int) -> str:
    """Tells of which response it is (`response_of`). An item of the input has an `i` before its number."""
    return f"{prefix(part, shape)}{response_id.removeprefix(ID_PREFIX)}{index:04x}"


def response_of(item_id: str) -> str | None:
    """The id of the response that an item is part of, None where the id is not one of ours."""
    _, _, rest = item_id.partition("_")
    said, given, _ = rest.partition("i")
    found = said if given else rest[:-4]
    return ID_PREFIX + found if found else None


def text_content(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def summary_part(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def item(part: Part, id: str, shape: Shape, *, cut: bool = False) -> Json:
    """The whole item. With `encrypted`, a thought can be sent back to us. cut: there would have been more text."""
    match part:
        case TextPart(text=text):
            content = [text_content(text)]
            status = "incomplete" if cut else "completed"
            return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}
        case ToolUsePart(id=call_id, name=name, arguments=arguments) if name in shape.custom:
            call: Json = {
                "id": id,
                "type": "custom_tool_call",
                "status": "completed",
                "call_id": shown_call_id(call_id),
            }
            return call | shape.named(name) | {"input": custom.unwrapped(arguments)}
        case ToolUsePart(id=call_id, name=name, arguments=arguments):
            call = {"id": id, "type": "function_call", "status": "completed", "call_id": shown_call_id(call_id)}
            return call | shape.named(name) | {"arguments": arguments or "{}"}
        case ReasoningPart() | RedactedPart():
            shown = shape.summary and isinstance(part, ReasoningPart) and bool(part.text)
            summary = [summary_part(part.text)] if shown and isinstance(part, ReasoningPart) else []
            thought: Json = {"id": id, "type": "reasoning", "summary": summary}
            return thought | ({"encrypted_content": sealed(part)} if shape.encrypted else {})
        case _:
            assert_never(part)


def begun(part: Part, id: str, shape: Shape) -> Json:
    """The item before anything is in it."""
    match part:
        case TextPart():
            return {"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []}
        case ToolUsePart(id=call_id, name=name) if name in shape.custom:
            call: Json = {
                "id": id,
                "type": "custom_tool_call",
                "status": "in_progress",
                "call_id": shown_call_id(call_id),
            }
            return call | shape.named(name) | {"input": ""}
        case ToolUsePart(id=call_id, name=name):
            call = {"id": id, "type": "function_call", "status": "in_progress", "call_id": shown_call_id(call_id)}
            return call | shape.named(name) | {"arguments": ""}
        case ReasoningPart() | RedactedPart():
            return {"id": id, "type": "reasoning", "summary": []}
        case _:
            assert_never(part)


def incomplete(reason: StopReason) -> Literal["max_output_tokens", "content_filter"] | None:
    """Why the response is not complete, None when it is."""
    match reason:
        case StopReason.END_TURN | StopReason.TOOL_USE | StopReason.STOP_SEQUENCE:
            return None
        case StopReason.MAX_TOKENS | StopReason.CONTEXT_WINDOW:
            return "max_output_tokens"
        case StopReason.CONTENT_FILTER:
            return "content_filter"
        case _:
            assert_never(reason)


_CODES: Final = frozenset({"context_length_exceeded", "rate_limit_exceeded", "insufficient_quota", "server_error"})
"""By which Codex knows what to do; everything else is the server's fault (compatibility.md 2.1)."""


class Frame(msgspec.Struct, frozen=True):
    """The response object but for what the model says."""

    id: str
    created: int
    model: str
    shape: Shape

    def open(self) -> Json:
        return self._object("in_progress", [], {})

    def ended(self, output: Sequence[Json], reason: StopReason, usage: Usage, completed: int) -> Json:
        why = incomplete(reason)
        told: Json = {"usage": usage_object(usage)}
        if why is not None:
            return self._object("incomplete", output, told | {"incomplete_details": {"reason": why}})
        return self._object("completed", output, told | {"completed_at": completed})

    def failed(self, output: Sequence[Json], failure: Failure) -> Json:
        code = failure.code if failure.code in _CODES else "server_error"
        return self._object("failed", output, {"error": {"code": code, "message": failure.message}})

    def _object(self, status: str, output: Sequence[Json], more: Json) -> Json:
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": self.model,
            "output": output,
            "usage": None,
            **self.shape.echo,
            **more,
        }
