"""How an answer ends and what it cost, in OpenAI's words."""

import msgspec
import pytest
from openai.types import CompletionUsage

from cwproxy.dialects.openai_chat.shape import PLAIN, Shape, finish_reason, usage_object
from cwproxy.reply import StopReason, Usage


@pytest.mark.parametrize(
    ("reason", "called", "expected"),
    [
        (StopReason.END_TURN, False, "stop"),
        (StopReason.END_TURN, True, "tool_calls"),
        (StopReason.TOOL_USE, True, "tool_calls"),
        (StopReason.TOOL_USE, False, "stop"),
        (StopReason.MAX_TOKENS, False, "length"),
        (StopReason.MAX_TOKENS, True, "length"),
        (StopReason.CONTEXT_WINDOW, False, "length"),
        (StopReason.CONTENT_FILTER, False, "content_filter"),
    ],
)
def test_the_end(reason: StopReason, called: bool, expected: str) -> None:
    assert finish_reason(reason, PLAIN, called=called) == expected


def test_a_call_of_a_deprecated_function_ends_in_its_own_word() -> None:
    assert finish_reason(StopReason.TOOL_USE, Shape(legacy_functions=True), called=True) == "function_call"


def test_usage_adds_up_and_has_its_details() -> None:
    usage = Usage(10, 4, "context", cache_read_tokens=3, cache_write_tokens=2, reasoning_tokens=1)
    encoded = msgspec.json.encode(usage_object(usage))
    found = CompletionUsage.model_validate_json(encoded, strict=True)
    assert found.prompt_tokens + found.completion_tokens == found.total_tokens == 14
    assert found.prompt_tokens_details is not None
    assert found.prompt_tokens_details.cached_tokens == 3
    assert found.completion_tokens_details is not None
    assert found.completion_tokens_details.reasoning_tokens == 1
    assert msgspec.json.decode(encoded)["prompt_tokens_details"]["cache_write_tokens"] == 2
