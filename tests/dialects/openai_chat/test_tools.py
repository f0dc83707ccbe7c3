"""Tools and choices in all the shapes that clients use (compatibility.md 1.1, 2.3)."""

import json
from typing import Any

import msgspec
import pytest

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_chat.schema import Request
from cwproxy.dialects.openai_chat.tools import Offer, offer
from cwproxy.errors import InvalidRequest


def offered(**members: Any) -> Offer:
    return offer(msgspec.json.decode(json.dumps(members, separators=(",", ":")), type=Request))


SCHEMA = {"type": "object", "properties": {"x": {"type": "number"}}}
RAW = b'{"type":"object","properties":{"x":{"type":"number"}}}'
F, G = ({"type": "function", "function": {"name": name}} for name in "fg")


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
        {"function": {"name": "f", "description": "d", "parameters": SCHEMA}},
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": None},
        {"name": "f", "description": "d", "parameters": SCHEMA},
        {"name": "f", "description": "d", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
    ],
    ids=["nested", "nested without type", "flat", "flat without type", "anthropic"],
)
def test_shapes_of_tools(tool: dict[str, Any]) -> None:
    assert offered(tools=[tool]).tools == (Tool("f", "d", RAW),)


@pytest.mark.parametrize("parameters", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_tool_without_parameters_has_the_empty_schema(parameters: dict[str, Any]) -> None:
    assert offered(tools=[{"function": {"name": "f", **parameters}}]).tools == (Tool("f", "", b"{}"),)


def test_tools_that_only_openai_serves_are_left_out() -> None:
    foreign = [{"type": "web_search"}, {"type": "code_interpreter", "container": {}}, {}]
    assert offered(tools=[*foreign, F]).tools == (Tool("f", "", b"{}"),)


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        (None, ToolChoice(), "fg"),
        ("auto", ToolChoice(), "fg"),
        ({"type": "auto"}, ToolChoice(), "fg"),
        ("none", ToolChoice("none"), "fg"),
        ("required", ToolChoice("required"), "fg"),
        ({"type": "any"}, ToolChoice("required"), "fg"),
        ({"type": "function", "function": {"name": "g"}}, ToolChoice("required", "g"), "g"),
        ({"type": "function", "name": "g"}, ToolChoice("required", "g"), "g"),
        ({"type": "tool", "name": "g"}, ToolChoice("required", "g"), "g"),
        ({"type": "custom", "custom": {"name": "g"}}, ToolChoice("required", "g"), "g"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [F]}}, ToolChoice(), "f"),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"name": "f"}]}, ToolChoice("required"), "f"),
        ({"type": "allowed_tools", "allowed_tools": {}}, ToolChoice(), ""),
    ],
)
def test_choices(choice: object, expected: ToolChoice, names: str) -> None:
    found = offered(tools=[F, G], tool_choice=choice)
    assert found.choice == expected
    assert "".join(tool.name for tool in found.tools) == names
    assert not found.legacy


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        (None, ToolChoice(), "fg"),
        ("auto", ToolChoice(), "fg"),
        ("none", ToolChoice("none"), "fg"),
        ({"name": "f"}, ToolChoice("required", "f"), "f"),
    ],
)
def test_deprecated_functions(choice: object, expected: ToolChoice, names: str) -> None:
    found = offered(functions=[{"name": "f", "parameters": {}}, {"name": "g"}], function_call=choice)
    assert found.legacy
    assert found.choice == expected
    assert "".join(tool.name for tool in found.tools) == names


def test_tools_win_over_functions() -> None:
    assert not offered(tools=[F], functions=[{"name": "g"}]).legacy


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [F, {"type": "function", "function": {}}]}, "tools[1].function.name"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"function": {"name": "f", "parameters": "{}"}}]}, "tools[0].function.parameters"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
        ({"functions": [{"name": "f", "parameters": 1}]}, "functions[0].parameters"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": [{"name": "f"}], "function_call": "always"}, "function_call"),
        ({"functions": [{"name": "f"}], "function_call": {}}, "function_call"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
        ({"tools": [F], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [F], "tool_choice": {}}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "function", "function": {"name": "h"}}}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "allowed_tools", "mode": "?", "tools": [F]}}, "tool_choice"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_impossible_tools_and_choices(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        offered(**members)
    assert caught.value.param == param
