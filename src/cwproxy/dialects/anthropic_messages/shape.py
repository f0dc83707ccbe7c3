"""What the streamed and the whole form of a message share: its shape, its end and its usage."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from cwproxy.reply import StopReason, Usage

Ending: TypeAlias = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "model_context_window_exceeded"
]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the request wants to be answered.

    calls: whether tool calls may be shown (not with `tool_choice: none`). thinking: how reasoning is shown; `omitted`
    leaves only its signature.
    """

    calls: bool = True
    thinking: Literal["hidden", "shown", "omitted"] = "hidden"


PLAIN: Final = Shape()


class Caller(msgspec.Struct, frozen=True, tag="direct"):
    """Who made a tool call: the model itself."""


DIRECT: Final = Caller()


class OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int = 0


class MessageUsage(msgspec.Struct, frozen=True):
    """Anthropic counts what came from the cache apart from the input. What is not known is null; it has to be there."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens_details: OutputDetails = OutputDetails()
    cache_creation: None = None
    server_tool_use: None = None
    service_tier: None = None
    inference_geo: None = None


def usage_object(usage: Usage) -> MessageUsage:
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    return MessageUsage(
        max(0, usage.input_tokens - read - written),
        usage.output_tokens,
        written,
        read,
        OutputDetails(usage.reasoning_tokens),
    )


def ending(reason: StopReason, *, called: bool) -> Ending:
    """Anthropic's word for the end. A message that shows a call ends with `tool_use`, else agents would not run it."""
    match reason:
        case StopReason.END_TURN | StopReason.TOOL_USE:
            return "tool_use" if called else "end_turn"
        case StopReason.STOP_SEQUENCE:
            return "tool_use" if called else "stop_sequence"
        case StopReason.MAX_TOKENS:
            return "max_tokens"
        case StopReason.CONTEXT_WINDOW:
            return "model_context_window_exceeded"
        case StopReason.CONTENT_FILTER:
            return "refusal"
        case _:
            assert_never(reason)
