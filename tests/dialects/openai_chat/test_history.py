"""Bodies of the Responses API on this endpoint are understood (compatibility.md 2.3)."""

import json
from typing import Any

import pytest

from cwproxy.conversation import AssistantTurn, SystemTurn, Text, Tool, ToolResult, ToolUse, UserTurn
from cwproxy.dialects.openai_chat import parse
from cwproxy.dialects.openai_chat.parse import ChatRequest
from cwproxy.errors import InvalidRequest


def parsed(**members: Any) -> ChatRequest:
    return parse(json.dumps({"model": "m", **members}).encode())


def test_a_plain_input_is_what_the_user_says() -> None:
    assert parsed(input="hi").conversations[0].turns == (UserTurn((Text("hi"),)),)


def test_items_are_messages_in_their_order() -> None:
    request = parsed(
        instructions="be brief",
        input=[
            {"role": "developer", "content": "rules"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "***"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "done"}]},
        ],
        tools=[{"type": "function", "name": "f", "parameters": {}}],
    )
    assert request.conversations[0].turns == (
        SystemTurn("be brief"),
        SystemTurn("rules"),
        UserTurn((Text("hi"),)),
        AssistantTurn((Text("ok"),)),
        AssistantTurn((ToolUse("c1", "f", '{"a":1}'),)),
        UserTurn((ToolResult("c1", (Text("42"),)),)),
        AssistantTurn((ToolUse("c2", "patch", '{"input":"***"}'),)),
        UserTurn((ToolResult("c2", (Text("done"),)),)),
    )
    assert request.conversations[0].tools == (Tool("f", "", b"{}"),)


def test_messages_win_over_input() -> None:
    request = parsed(messages=[{"role": "user", "content": "a"}], input="b", instructions="c")
    assert request.conversations[0].turns == (UserTurn((Text("a"),)),)


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([], "messages"),
        ([{"type": "reasoning"}], "messages"),
        ([{"type": "function_call", "call_id": "c"}], "input[0].name"),
        ([{"type": "reasoning"}, {"type": "function_call", "name": "f"}], "input[1].tool_calls[0].id"),
        ([{"role": "user", "content": [{"type": "input_file"}]}], "input[0].content[0].file_data"),
        ([{"type": "function_call_output", "output": "x"}], "input[0].tool_call_id"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_path(items: list[dict[str, Any]], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(input=items)
    assert caught.value.param == param
