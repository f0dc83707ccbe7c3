"""Tools of every shape, and the choice among them (compatibility.md 2.1, 3.2)."""

import json
from typing import Any

import pytest

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_responses.schema import Named, ToolChoiceObject, ToolReference
from cwproxy.dialects.openai_responses.tools import Offer, offer
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom

F = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
G = {"type": "function", "name": "g"}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
}
SPACE = {"type": "namespace", "name": "mcp__x", "description": "X", "tools": [F, {"type": "custom", "name": "c"}]}


def offered(*tools: Any, choice: str | ToolChoiceObject | None = None) -> Offer:
    return offer([(f"tools[{at}]", json.dumps(tool).encode()) for at, tool in enumerate(tools)], choice)


def names(found: Offer) -> list[str]:
    return [tool.name for tool in found.tools]


@pytest.mark.parametrize(
    "tool",
    [
        F,
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        {"name": "f", "description": "d", "input_schema": {"type": "object"}},
    ],
)
def test_functions_of_every_shape(tool: Any) -> None:
    (found,) = offered(tool).tools
    assert (found.name, found.description, json.loads(found.schema)) == ("f", "d", {"type": "object"})


def test_a_bare_function() -> None:
    assert offered(G).tools == (Tool("g", "", b"{}"),)


def test_custom_tools_are_functions_of_one_string() -> None:
    found = offered(PATCH, {"type": "custom", "name": "c", "format": {"type": "text"}})
    first, second = found.tools
    assert (first.schema, second.schema) == (custom.SCHEMA, custom.SCHEMA)
    assert first.description == "Edit.\n\nThe input must match this grammar (lark):\nstart: x"
    assert found.custom == {"apply_patch", "c"}


def test_namespaces_are_flattened() -> None:
    found = offered(SPACE, G)
    assert names(found) == ["mcp__x__f", "mcp__x__c", "g"]
    assert found.namespaces == {"mcp__x__f": ("mcp__x", "f"), "mcp__x__c": ("mcp__x", "c")}
    assert found.custom == {"mcp__x__c"}


def test_an_empty_namespace() -> None:
    assert offered({"type": "namespace", "name": "n"}, G).namespaces == {}


def test_unknown_kinds_are_left_out_and_named() -> None:
    odd = {"type": "namespace", "name": "n", "tools": [{"type": "namespace", "name": "m"}]}
    found = offered({"type": "web_search_preview", "tools": 5}, {"type": "tool_search", "name": {}}, odd)
    assert found.tools == ()
    assert found.foreign == ("web_search", "tool_search", "namespace")


def test_of_tools_of_the_same_name_the_first_counts() -> None:
    found = offered(F, {"type": "custom", "name": "f"}, {"type": "namespace", "name": "f", "tools": []})
    assert (len(found.tools), found.tools[0].description, found.custom) == (1, "d", frozenset())


@pytest.mark.parametrize(
    ("choice", "wanted", "left"),
    [
        (None, ToolChoice(), ["f", "g"]),
        ("auto", ToolChoice(), ["f", "g"]),
        ("none", ToolChoice("none"), ["f", "g"]),
        ("required", ToolChoice("required"), ["f", "g"]),
        ("any", ToolChoice("required"), ["f", "g"]),
        (ToolChoiceObject("auto"), ToolChoice(), ["f", "g"]),
        (ToolChoiceObject("function", "g"), ToolChoice("required", "g"), ["g"]),
        (ToolChoiceObject("function", function=Named("g")), ToolChoice("required", "g"), ["g"]),
        (ToolChoiceObject("custom", "f"), ToolChoice("required", "f"), ["f"]),
        (ToolChoiceObject("allowed_tools", tools=[ToolReference("g"), ToolReference()]), ToolChoice(), ["g"]),
        (
            ToolChoiceObject("allowed_tools", mode="required", tools=[ToolReference("f")]),
            ToolChoice("required"),
            ["f"],
        ),
    ],
)
def test_choices(choice: str | ToolChoiceObject | None, wanted: ToolChoice, left: list[str]) -> None:
    found = offered(F, G, choice=choice)
    assert (found.choice, names(found)) == (wanted, left)


def test_a_tool_of_a_namespace_may_be_chosen() -> None:
    found = offered(SPACE, G, choice=ToolChoiceObject("function", "f", "mcp__x"))
    assert (found.choice.name, names(found)) == ("mcp__x__f", ["mcp__x__f"])


@pytest.mark.parametrize("choice", ["sometimes", ToolChoiceObject("web_search"), ToolChoiceObject("function", "no")])
def test_impossible_choices(choice: str | ToolChoiceObject) -> None:
    with pytest.raises(InvalidRequest, match="tool_choice"):
        offered(F, choice=choice)


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"type": "function"}, "tools[0].name"),
        ({"type": "custom"}, "tools[0].name"),
        ({"type": "namespace", "tools": []}, "tools[0].name"),
        ({"type": "function", "name": "f", "parameters": 5}, "tools[0].parameters"),
        ({"type": "namespace", "name": "n", "tools": [{"type": "function"}]}, "tools[0].tools[0].name"),
    ],
)
def test_what_cannot_be_used_is_named(tool: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        offered(tool)
    assert caught.value.param == param
