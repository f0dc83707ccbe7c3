"""What the streamed and the whole form of an answer share: its shape, its end and its usage."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from cwproxy.reply import StopReason, Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


@dataclass(frozen=True, slots=True)
class Shape:
    """How the request wants to be answered.

    call_limit: how many tool calls may be shown (0 for `tool_choice: none`, 1 for `parallel_tool_calls: false`),
    None for any number.
    legacy_functions: a call is shown as `function_call`, because the tools came as `functions`.
    json_only: whatever surrounds the JSON document is taken away, where the whole answer is at hand.
    """

    call_limit: int | None = None
    legacy_functions: bool = False
    json_only: bool = False


PLAIN: Final = Shape()


def finish_reason(reason: StopReason, shape: Shape, *, called: bool) -> FinishReason:
    """OpenAI's word for the end. An answer that shows a call never ends with `stop`: agents would not run it."""
    match reason:
        case StopReason.END_TURN | StopReason.TOOL_USE | StopReason.STOP_SEQUENCE:
            if not called:
                return "stop"
            return "function_call" if shape.legacy_functions else "tool_calls"
        case StopReason.MAX_TOKENS | StopReason.CONTEXT_WINDOW:
            return "length"
        case StopReason.CONTENT_FILTER:
            return "content_filter"
        case _:
            assert_never(reason)


class PromptDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    cache_write_tokens: int
    audio_tokens: int = 0


class CompletionDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class ChatUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


def usage_object(usage: Usage) -> ChatUsage:
    return ChatUsage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        PromptDetails(usage.cache_read_tokens, usage.cache_write_tokens),
        CompletionDetails(usage.reasoning_tokens),
    )
