"""The whole answer, read back with OpenAI's own types (compatibility.md 1.3, hit list 5)."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from cwproxy.dialects.openai_chat import Shape, complete
from cwproxy.reply import ReasoningPart, Reply, ReplyPart, StopReason, TextPart, ToolUsePart, Usage


def completed(
    *parts: ReplyPart, shape: Shape | None = None, reason: StopReason = StopReason.END_TURN
) -> dict[str, Any]:
    reply = Reply(parts, Usage(7, 5, "estimate"), reason)
    body = complete([reply], id="chatcmpl-1", created=1, model="m", shape=shape or Shape())
    ChatCompletion.model_validate_json(body, strict=True)
    found: dict[str, Any] = json.loads(body)
    return found


def test_text() -> None:
    found = completed(TextPart("Hello "), ReasoningPart("hm", "sig"), TextPart("Jürgen"))
    (choice,) = found["choices"]
    assert choice == {
        "index": 0,
        "finish_reason": "stop",
        "logprobs": None,
        "message": {
            "role": "assistant",
            "content": "Hello Jürgen",
            "refusal": None,
            "annotations": [],
            "reasoning_content": "hm",
        },
    }
    assert (found["id"], found["object"], found["created"], found["model"]) == ("chatcmpl-1", "chat.completion", 1, "m")


def test_what_validators_trip_over_is_not_there() -> None:
    found = completed(TextPart("x"))
    assert "system_fingerprint" not in found
    assert "tool_calls" not in found["choices"][0]["message"]
    assert None not in found["usage"].values()


F, G = ToolUsePart("t1", "f", '{"a":1}'), ToolUsePart("t2", "g", "")


def test_calls_without_text_have_null_content_and_whole_arguments() -> None:
    (choice,) = completed(F, G, reason=StopReason.TOOL_USE)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


def test_calls_beside_text_keep_it() -> None:
    (choice,) = completed(TextPart("so"), F)["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("so", "tool_calls")


@pytest.mark.parametrize(("limit", "ids"), [(None, ["t1", "t2"]), (1, ["t1"])])
def test_no_more_calls_than_wanted(limit: int | None, ids: list[str]) -> None:
    (choice,) = completed(F, G, shape=Shape(call_limit=limit))["choices"]
    assert [call["id"] for call in choice["message"]["tool_calls"]] == ids


def test_no_calls_wanted_means_a_plain_answer() -> None:
    (choice,) = completed(F, shape=Shape(call_limit=0), reason=StopReason.TOOL_USE)["choices"]
    assert choice["message"]["content"] == ""
    assert choice["finish_reason"] == "stop"
    assert "tool_calls" not in choice["message"]


def test_a_deprecated_function_call() -> None:
    (choice,) = completed(F, shape=Shape(call_limit=1, legacy_functions=True))["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]


def test_an_answer_of_nothing_is_empty_text() -> None:
    (choice,) = completed()["choices"]
    assert choice["message"]["content"] == ""


def test_a_call_of_a_custom_tool_shows_what_the_model_gave_it() -> None:
    patch, odd = ToolUsePart("t1", "apply", '{"input":"*** Begin\\n"}'), ToolUsePart("t2", "apply", '{"x":1}')
    (choice,) = completed(patch, odd, F, shape=Shape(custom=frozenset({"apply"})))["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "t1", "type": "custom", "custom": {"name": "apply", "input": "*** Begin\n"}},
        {"id": "t2", "type": "custom", "custom": {"name": "apply", "input": '{"x":1}'}},
        {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
    ]


def test_several_choices_share_their_prompt() -> None:
    replies = [
        Reply((TextPart("a"),), Usage(7, 5, "backend"), StopReason.END_TURN),
        Reply((TextPart("b"),), Usage(8, 3, "backend"), StopReason.MAX_TOKENS),
    ]
    body = complete(replies, id="chatcmpl-1", created=1, model="m")
    found = ChatCompletion.model_validate_json(body, strict=True)
    assert [(c.index, c.message.content, c.finish_reason) for c in found.choices] == [
        (0, "a", "stop"),
        (1, "b", "length"),
    ]
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (7, 8, 15)
