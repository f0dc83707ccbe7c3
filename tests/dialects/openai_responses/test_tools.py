"""Tools of every shape, and the choice among them (compatibility.md 2.1, 3.2)."""

import json
from collections.abc import Iterable
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


def located(*tools: Any) -> list[tuple[str, bytes]]:
    return [(f"tools[{at}]", json.dumps(tool).encode()) for at, tool in enumerate(tools)]


def offered(*tools: Any, choice: str | ToolChoiceObject | None = None, added: Iterable[Any] = ()) -> Offer:
    return offer(located(*tools), choice, [located(tool) for tool in added])


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
    assert found.names == {"mcp__x__f": ("mcp__x", "f"), "mcp__x__c": ("mcp__x", "c")}
    assert found.custom == {"mcp__x__c"}


def test_an_empty_namespace() -> None:
    assert offered({"type": "namespace", "name": "n"}, G).names == {}


def test_unknown_kinds_are_left_out_and_named() -> None:
    odd = {"type": "namespace", "name": "n", "tools": [{"type": "namespace", "name": "m"}]}
    found = offered({"type": "web_search_preview", "tools": 5}, {"type": "tool_search", "name": {}}, odd)
    assert found.tools == ()
    assert found.foreign == ("web_search", "tool_search", "namespace")


def test_of_tools_of_the_same_name_the_first_counts() -> None:
    found = offered(F, {"type": "custom", "name": "f"}, {"type": "namespace", "name": "f", "tools": []})
    assert (len(found.tools), found.tools[0].description, found.custom) == (1, "d", frozenset())
    assert found.foreign == ("custom",)
    assert offered({"type": "custom", "name": "f"}, F).foreign == ("function",)
    assert offered(F, F).foreign == ()
    named = offered({"type": "custom", "name": "f"}, F, G, choice=ToolChoiceObject("function", "g"))
    assert (named.choice, named.whole) == (ToolChoice("required", "g"), True)


@pytest.mark.parametrize("tools", [(G, {"type": "namespace", "name": "mcp__a", "tools": [F]})] * 2)
def test_flat_names_are_one_tools_only(tools: Any) -> None:
    same = {**G, "name": "mcp__a__f"}
    found = offered(*tools, same)
    assert names(found) == ["g", "mcp__a__f", "mcp__a__f_2"]
    assert found.names == {"mcp__a__f": ("mcp__a", "f"), "mcp__a__f_2": (None, "mcp__a__f")}
    other_way = offered(same, *tools, {**G, "name": "mcp__a__f_2"}, choice=ToolChoiceObject("function", "f", "mcp__a"))
    assert other_way.names == {"mcp__a__f_2": ("mcp__a", "f"), "mcp__a__f_2_2": (None, "mcp__a__f_2")}
    assert (other_way.choice.name, names(other_way)) == ("mcp__a__f_2", ["mcp__a__f_2"])


def test_of_items_that_define_a_tool_the_latest_counts() -> None:
    old, new = ({**F, "description": word} for word in ("old", "new"))
    found = offered(G, added=[old, {"type": "custom", "name": "c"}, new])
    assert [(tool.name, tool.description) for tool in found.tools] == [("g", ""), ("f", "new"), ("c", "")]
    turned = offered(added=[old, {"type": "custom", "name": "f", "description": "free"}, {**G, "name": "c"}])
    assert (names(turned), turned.custom, turned.foreign) == (["f", "c"], frozenset({"f"}), ())
    assert offered(F, added=[new]).tools[0].description == "d"
    assert offered(added=[{"type": "custom", "name": "f"}, F]).custom == frozenset()


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


def allowed(mode: str, *tools: ToolReference) -> ToolChoiceObject:
    return ToolChoiceObject("allowed_tools", mode=mode, tools=list(tools))


@pytest.mark.parametrize(
    ("choice", "wanted", "left"),
    [
        (ToolChoiceObject("web_search"), ToolChoice(), ["f", "g"]),
        (ToolChoiceObject("mcp", "f"), ToolChoice(), ["f", "g"]),
        (allowed("required", ToolReference("f"), ToolReference("x", type="mcp")), ToolChoice("required"), ["f"]),
        (allowed("required", ToolReference(type="web_search_preview")), ToolChoice(), []),
    ],
)
def test_a_choice_of_what_was_left_out(choice: ToolChoiceObject, wanted: ToolChoice, left: list[str]) -> None:
    found = offered(F, G, {"type": "web_search"}, {"type": "mcp", "server_label": "s"}, choice=choice)
    assert (found.choice, names(found), found.whole) == (wanted, left, False)
    assert found.foreign == ("web_search", "mcp")


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
