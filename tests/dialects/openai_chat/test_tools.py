"""Tools and choices in all the shapes that clients use (compatibility.md 1.1, 2.3)."""

import json
from typing import Any

import msgspec
import pytest

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_chat.schema import Request
from cwproxy.dialects.openai_chat.tools import Offer, offer
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom
from cwproxy.inbound.offers import MAX_FOREIGN


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


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("web_search", "web_search"),
        ("web_search_preview", "web_search"),
        ("web_search_preview_2025_03_11", "web_search"),
        ("web_search_20250305", "web_search"),
        ("computer_20250124", "computer"),
        ("computer_use_preview", "computer_use"),
        ("bash_20250124", "bash"),
        ("code_interpreter", "code_interpreter"),
        ("x\r\nset-cookie: a", "unknown"),
        ("a" * 41, "unknown"),
    ],
)
def test_tools_that_only_their_vendor_serves_are_left_out_and_named(type: str, kind: str) -> None:
    found = offered(tools=[{"type": type, "name": "x"}, {"type": type, "container": {}}, {}, F])
    assert found.tools == (Tool("f", "", b"{}"),)
    assert found.foreign == (kind,)


def test_only_so_many_are_named() -> None:
    assert len(offered(tools=[{"type": f"t{number}"} for number in range(1_000)]).foreign) == MAX_FOREIGN


GRAMMAR = {"syntax": "lark", "definition": "start: /x+/"}


@pytest.mark.parametrize(
    ("tool", "description"),
    [
        ({"type": "custom", "custom": {"name": "c", "description": "d"}}, "d"),
        ({"custom": {"name": "c", "description": "d", "format": {"type": "text"}}}, "d"),
        ({"type": "custom", "name": "c", "description": "d", "format": None}, "d"),
        (
            {"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": GRAMMAR}}},
            "The input must match this grammar (lark):\nstart: /x+/",
        ),
        (
            {"type": "custom", "name": "c", "description": "d", "format": {"type": "grammar", "definition": "x"}},
            "d\n\nThe input must match this grammar (lark):\nx",
        ),
    ],
    ids=["nested", "text", "flat", "grammar", "flat grammar"],
)
def test_a_custom_tool_is_a_function_of_one_string(tool: dict[str, Any], description: str) -> None:
    found = offered(tools=[tool, F], tool_choice={"type": "custom", "custom": {"name": "c"}})
    assert found.tools == (Tool("c", description, custom.SCHEMA),)
    assert found.custom == {"c"}
    assert found.choice == ToolChoice("required", "c")


def test_anthropics_custom_tools_are_functions() -> None:
    found = offered(tools=[{"type": "custom", "name": "f", "description": "d", "input_schema": SCHEMA}])
    assert (found.tools, found.custom) == ((Tool("f", "d", RAW),), frozenset())


@pytest.mark.parametrize(
    ("tool", "param"),
    [({"type": "custom", "custom": {}}, "tools[0].custom.name"), ({"type": "custom"}, "tools[0].name")],
)
def test_a_custom_tool_needs_a_name(tool: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        offered(tools=[tool])
    assert caught.value.param == param


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
