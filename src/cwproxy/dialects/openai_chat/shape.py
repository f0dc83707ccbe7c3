"""What the streamed and the whole form of an answer share: its shape, its end and its usage."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from cwproxy.reply import StopReason, Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Shape(msgspec.Struct, frozen=True):
    """How the request wants to be answered.

    call_limit: how many tool calls may be shown (0 for `tool_choice: none`, 1 for `parallel_tool_calls: false`),
    None for any number.
    legacy_functions: a call is shown as `function_call`, because the tools came as `functions`.
    custom: names of the tools whose calls are shown as `custom`, with the text that the model gave them.
    """

    call_limit: int | None = None
    legacy_functions: bool = False
    custom: frozenset[str] = frozenset()


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


def total(usages: Sequence[Usage], prompts: Sequence[int]) -> Usage:
    """Of several choices: every prompt once, all that was said. `prompts` tells which prompt each choice answers."""
    first = {prompt: usage for usage, prompt in zip(reversed(usages), reversed(prompts), strict=True)}
    asked = first.values()
    return Usage(
        sum(usage.input_tokens for usage in asked),
        sum(usage.output_tokens for usage in usages),
        next((usage.source for usage in usages if usage.source == "estimate"), usages[0].source),
        cache_read_tokens=sum(usage.cache_read_tokens for usage in asked),
        cache_write_tokens=sum(usage.cache_write_tokens for usage in asked),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in usages),
    )
