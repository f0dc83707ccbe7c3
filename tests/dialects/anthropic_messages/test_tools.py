"""Which tools are on offer, and whether one must be called (compatibility.md 2.2, 2.3, backend-rules.md E 12)."""

from typing import Any

import msgspec
import pytest

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.anthropic_messages.schema import Request
from cwproxy.dialects.anthropic_messages.tools import Offer, offer
from cwproxy.errors import InvalidRequest

SCHEMA = b'{"type":"object"}'
READ = {"name": "read", "description": "Reads.", "input_schema": {"type": "object"}}
WRITE = {"name": "write", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
DEFERRED = {"name": "mcp__a__b", "input_schema": {"type": "object"}, "defer_loading": True}


def offered(**members: Any) -> Offer:
    return offer(msgspec.json.decode(msgspec.json.encode(members), type=Request))


def names(**members: Any) -> list[str]:
    return [tool.name for tool in offered(**members).tools]


def test_tools_in_every_shape() -> None:
    flat = {"type": "function", "name": "flat", "parameters": {"type": "object"}}
    nested = {"type": "function", "function": {"name": "nested", "description": "N.", "parameters": None}}
    found = offered(tools=[READ, {**WRITE, "type": "custom", "strict": True}, flat, nested, {"name": "bare"}])
    assert found.tools == (
        Tool("read", "Reads.", SCHEMA),
        Tool("write", "", SCHEMA),
        Tool("flat", "", SCHEMA),
        Tool("nested", "N.", b"{}"),
        Tool("bare", "", b"{}"),
    )
    assert found.choice == ToolChoice()
    assert found.parallel


def test_tools_that_run_elsewhere_are_left_out_and_named() -> None:
    search = SEARCH
    found = offered(tools=[search, READ, {"type": "code_execution_20250825", "name": "code_execution"}, search])
    assert [tool.name for tool in found.tools] == ["read"]
    assert found.foreign == ("web_search", "code_execution")


def test_a_deferred_tool_is_shown_when_the_conversation_knows_it() -> None:
    placeholder = {"name": "DeferredToolPlaceholder", "defer_loading": True}
    tools = [READ, DEFERRED, placeholder]
    reference = {"type": "tool_reference", "tool_name": "mcp__a__b"}
    call = {"type": "tool_use", "id": "t", "name": "mcp__a__b", "input": {}}
    assert names(tools=tools) == ["read"]
    known: list[object] = [
        [{"type": "tool_result", "tool_use_id": "t", "content": [reference, "text"]}],
        [reference],
        [call],
    ]
    for content in known:
        assert names(tools=tools, messages=[{"role": "user", "content": content}]) == ["read", "mcp__a__b"]
    unknown: list[object] = ["mcp__a__b", [{"type": "tool_reference"}, {"type": "text", "text": "mcp__a__b"}]]
    for content in unknown:
        assert names(tools=tools, messages=[{"role": "user", "content": content}]) == ["read"]


def test_deferred_tools_are_all_shown_where_their_search_cannot_be_served() -> None:
    found = offered(tools=[DEFERRED, {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}])
    assert [tool.name for tool in found.tools] == ["mcp__a__b"]
    assert found.foreign == ("tool_search_tool_regex",)


@pytest.mark.parametrize(
    ("choice", "expected", "tools"),
    [
        (None, ToolChoice(), ["read", "write"]),
        ("auto", ToolChoice(), ["read", "write"]),
        ({"type": "auto"}, ToolChoice(), ["read", "write"]),
        ({"type": "any"}, ToolChoice("required"), ["read", "write"]),
        ("required", ToolChoice("required"), ["read", "write"]),
        ({"type": "none"}, ToolChoice("none"), ["read", "write"]),
        ({"type": "tool", "name": "write"}, ToolChoice("required", "write"), ["write"]),
    ],
)
def test_choices(choice: object, expected: ToolChoice, tools: list[str]) -> None:
    found = offered(tools=[READ, WRITE], tool_choice=choice)
    assert (found.choice, [tool.name for tool in found.tools], found.parallel) == (expected, tools, True)


def test_one_call_at_a_time() -> None:
    assert not offered(tools=[READ], tool_choice={"type": "auto", "disable_parallel_tool_use": True}).parallel
    assert offered(tools=[READ], tool_choice={"type": "auto", "disable_parallel_tool_use": False}).parallel


@pytest.mark.parametrize(
    "choice", [{"type": "tool"}, {"type": "tool", "name": "none"}, {"type": "sometimes"}, {}, "perhaps"]
)
def test_impossible_choices(choice: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        offered(tools=[READ], tool_choice=choice)
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize("choice", [None, {"type": "tool", "name": "web_search"}, {"type": "any"}])
def test_a_request_with_nothing_but_the_search_is_one(choice: object) -> None:
    found = offered(tools=[SEARCH, SEARCH], tool_choice=choice)
    assert found.search is not None
    assert (found.search.max_uses, found.foreign, found.choice, found.unforced) == (8, (), ToolChoice(), False)


def test_where_no_tool_may_be_called_nothing_is_searched() -> None:
    found = offered(tools=[SEARCH], tool_choice={"type": "none"})
    assert (found.search, found.foreign, found.choice) == (None, (), ToolChoice("none"))


def message(*blocks: dict[str, Any], role: str = "system") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def addition(name: str) -> dict[str, Any]:
    return {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}}


def removal(name: str) -> dict[str, Any]:
    return {"type": "tool_removal", "tool": {"type": "tool_reference", "name": name}}


def test_messages_add_and_remove_tools() -> None:
    tools = [READ, DEFERRED]
    added, removed = addition("mcp__a__b"), removal("mcp__a__b")
    assert names(tools=tools, messages=[message(added)]) == ["read", "mcp__a__b"]
    assert names(tools=tools, messages=[{"role": "system", "content": added}]) == ["read", "mcp__a__b"]
    assert names(tools=tools, messages=[message(added), message(removed)]) == ["read"]
    assert names(tools=tools, messages=[message(added, removed, added)]) == ["read", "mcp__a__b"]
    assert names(tools=tools, messages=[message(removal("read"), added)]) == ["mcp__a__b"]
    assert offered(tools=[READ, SEARCH], messages=[message(removal("web_search"))]).foreign == ()
    call = {"type": "tool_use", "id": "t", "name": "mcp__a__b", "input": {}}
    assert names(tools=tools, messages=[message(call, role="assistant"), message(removed)]) == ["read"]


def test_messages_define_tools() -> None:
    nested = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": WRITE}}
    bare = {"type": "tool_definition", "definition": {**READ, "description": "Reads better."}}
    found = offered(tools=[READ], messages=[message(nested), message(bare)]).tools
    assert found == (Tool("write", "", SCHEMA), Tool("read", "Reads better.", SCHEMA))
    assert names(tools=[READ], messages=[message(nested), message(removal("write"))]) == ["read"]
    assert names(tools=[READ], messages=[message(nested, removal("write"), addition("write"))]) == ["read", "write"]
    code = {"type": "tool_definition", "definition": {"type": "code_execution_20250825", "name": "code_execution"}}
    assert offered(messages=[message({"type": "tool_addition", "tool": code})]).foreign == ("code_execution",)
    for block, path in ((nested, "tool.definition"), (bare, "definition")):
        definition = {"name": "f", "input_schema": 5}
        wrong = (
            {**block, "tool": {"definition": definition}} if "tool" in block else {**block, "definition": definition}
        )
        with pytest.raises(InvalidRequest) as caught:
            offered(messages=[message(), message(wrong)])
        assert caught.value.param == f"messages[1].content[0].{path}.input_schema"


def test_what_a_compaction_says_of_the_tools_holds() -> None:
    compaction = {"type": "compaction", "content": "So far.", "tool_changes": [addition("mcp__a__b"), removal("read")]}
    assert names(tools=[READ, DEFERRED], messages=[message(compaction, role="assistant")]) == ["mcp__a__b"]


def test_tools_of_servers_are_not_added() -> None:
    server = {"type": "tool_addition", "tool": {"type": "mcp_toolset_reference", "server_name": "a", "name": "read"}}
    nameless = {"type": "tool_addition", "tool": {"type": "tool_reference"}}
    empty = [{"type": "tool_addition"}, {"type": "tool_definition"}]
    assert names(tools=[{**READ, "defer_loading": True}], messages=[message(server, nameless, *empty)]) == []


def test_a_tool_that_is_left_out_cannot_be_forced() -> None:
    code = {"type": "code_execution_20250825", "name": "code_execution"}
    forced = offered(tools=[READ, code], tool_choice={"type": "tool", "name": "code_execution"})
    assert (forced.choice, forced.unforced) == (ToolChoice(), True)
    assert offered(tools=[code], tool_choice={"type": "any"}).choice == ToolChoice()
    assert offered(tools=[READ, code], tool_choice={"type": "any"}).choice == ToolChoice("required")
    assert not offered(tools=[READ, code, SEARCH]).search


def test_a_forced_call_needs_a_tool() -> None:
    with pytest.raises(InvalidRequest):
        offered(tool_choice={"type": "any"})


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"input_schema": {}}, "tools[0].name"),
        ({"name": "f", "input_schema": []}, "tools[0].input_schema"),
        ({"name": "f", "parameters": 5}, "tools[0].parameters"),
        ({"function": {"name": "f", "parameters": 5}}, "tools[0].function.parameters"),
    ],
)
def test_unusable_tools(tool: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        offered(tools=[tool])
    assert caught.value.param == param
