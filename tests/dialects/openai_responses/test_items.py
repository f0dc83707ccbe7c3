"""All forms of input items (compatibility.md 2.1), and what Codex sends (backend-rules.md E 7)."""

import json
from typing import Any

import pytest

from cwproxy.conversation import (
    AssistantTurn,
    Document,
    Image,
    Reasoning,
    RemoteImage,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserTurn,
)
from cwproxy.dialects.openai_responses.items import (
    Item,
    Turns,
    flat_name,
    item,
    message,
    references,
    resolved,
    shown_call_id,
    tools_in,
)
from cwproxy.dialects.openai_responses.thoughts import sealed
from cwproxy.errors import InvalidRequest
from cwproxy.reply import ReasoningPart

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
PDF = "data:application/pdf;base64,JVBERi0xLjQK"


def listed(*items: Any) -> list[Item]:
    return [item(f"input[{index}]", json.dumps(members).encode()) for index, members in enumerate(items)]


def turns(*items: Any) -> list[Turn]:
    return Turns().of(listed(*items))


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"),
        ([{"type": "input_text", "text": "hi"}], "hi"),
        ([{"type": "text", "text": "hi"}], "hi"),
        ([{"text": "hi"}], "hi"),
        (["hi"], "hi"),
        ([{"type": "refusal", "refusal": "hi"}], "hi"),
        ([{"type": "refusal"}], ""),
        ([], ""),
        (None, ""),
    ],
)
@pytest.mark.parametrize("more", [{}, {"type": "message", "id": "msg_1", "status": "completed", "phase": "commentary"}])
def test_messages(content: Any, text: str, more: dict[str, str]) -> None:
    assert turns({"role": "user", "content": content, **more}) == [UserTurn((Text(text),))]
    assert turns({"role": "assistant", "content": content, **more}) == [AssistantTurn((Text(text),))]
    for role in ("system", "developer"):
        assert turns({"role": role, "content": content, **more}) == [SystemTurn(text)]


def test_pictures_and_documents() -> None:
    nested = {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
    file = {"type": "input_file", "filename": "a.pdf", "file_data": PDF}
    (turn,) = turns(user(PICTURE, nested, file))
    assert isinstance(turn, UserTurn)
    picture, remote, document = turn.parts
    assert isinstance(picture, Image) and picture.format == "png"
    assert remote == RemoteImage("https://example.org/x.png", "input[0].content[1].image_url")
    assert isinstance(document, Document) and document.name == "a.pdf"


def test_what_was_said_in_one_go_is_one_turn() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed(ReasoningPart("hm", "s"))}
    assert turns(
        user("go"),
        thought,
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"},
        {"type": "function_call", "call_id": "c3", "name": "do", "namespace": "mcp__x__", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "two"}, PICTURE],
        },
        {"type": "function_call_output", "call_id": "c3", "output": None},
        {"role": "assistant", "content": "Done."},
    ) == [
        UserTurn((Text("go"),)),
        AssistantTurn(
            (
                Reasoning("hm", "s"),
                Text("I look."),
                ToolUse("c1", "f", '{"a": 1}'),
                ToolUse("c2", "patch", '{"input":"*** Begin"}'),
                ToolUse("c3", "mcp__x__do", "{}"),
            )
        ),
        UserTurn(
            (
                ToolResult("c1", (Text("one"),)),
                ToolResult("c2", (Text("two"), Image("png", PNG, (1, 1)))),
                ToolResult("c3", ()),
            )
        ),
        AssistantTurn((Text("Done."),)),
    ]


def test_a_call_right_after_results_is_another_turn() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}
    output = {"type": "function_call_output", "call_id": "c", "output": "x"}
    kinds = [type(turn) for turn in turns(call, output, call, output)]
    assert kinds == [AssistantTurn, UserTurn, AssistantTurn, UserTurn]


@pytest.mark.parametrize("content", [None, "gAAAA"])
def test_thoughts_of_others_are_dropped(content: str | None) -> None:
    codex: dict[str, Any] = {"type": "reasoning", "summary": [], "content": None, "encrypted_content": content}
    assert turns(codex, user("hi")) == [UserTurn((Text("hi"),))]


def test_unknown_items_and_parts_of_answers_are_left_out_and_named() -> None:
    reader = Turns()
    said = {"role": "assistant", "content": [{"type": "output_audio"}, {"type": "output_text", "text": "x"}, {}]}
    found = reader.of(
        listed(
            {"type": "web_search_call", "id": "ws_1", "action": {}},
            {"type": "computer_call_output", "output": {"type": "screenshot"}},
            {"type": "compaction", "encrypted_content": 5},
            said,
        )
    )
    assert found == [AssistantTurn((Text("x"),))]
    assert reader.unknown == ["web_search_call", "computer_call_output", "compaction", "output_audio", ""]


def test_items_may_bring_tools() -> None:
    tool = {"type": "function", "name": "f"}
    items = listed(
        {"type": "additional_tools", "role": "developer", "tools": [tool]},
        {"type": "tool_search_output", "tools": None},
        user("x"),
    )
    (path, raw), *rest = next(found := tools_in(items))
    assert (path, json.loads(raw), rest) == ("input[0].tools[0]", tool, [])
    assert list(found) == [[]]
    assert len(Turns().of(items)) == 1


def test_references_are_resolved() -> None:
    kept = {"msg_1": b'{"role":"user","content":"kept"}'}
    given = listed({"type": "item_reference", "id": "msg_1"}, {"id": "rs_gone"}, user("new"))
    assert list(resolved(given, kept)) == [item("input[0]", kept["msg_1"]), given[2]]
    assert list(references(given)) == ["msg_1", "rs_gone"]
    with pytest.raises(InvalidRequest, match=r"`input\[0\]` names the item 'msg_2'") as caught:
        list(resolved(listed({"id": "msg_2"}), kept))
    assert caught.value.code == "item_not_found"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        (5, "input[0]"),
        ({"type": 5}, "input[0].type"),
        ({"role": "user", "content": 5}, "input[0].content"),
        ({"role": "user", "content": [{"type": "input_text", "text": 5}]}, "input[0].content[0].text"),
        ({"role": "user", "content": [{"type": "input_text"}]}, "input[0].content[0].text"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "input[0].content[0].type"),
        ({"role": "user", "content": [{}]}, "input[0].content[0].type"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input[0].content[0].image_url"),
        ({"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}, "input[0].content[0].file_id"),
        ({"role": "user", "content": [{"type": "input_file", "file_url": "u"}]}, "input[0].content[0].file_url"),
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"type": "function_call", "name": "f"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "c"}, "input[0].name"),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": [1]}, "input[0].arguments"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id"),
    ],
)
def test_what_cannot_be_used_is_named(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        turns(members)
    assert caught.value.param == param
    assert f"`{param.removesuffix('.type')}" in caught.value.message


def test_a_reference_needs_an_id() -> None:
    with pytest.raises(InvalidRequest, match="missing"):
        list(references(listed({})))


def test_a_custom_call_without_input() -> None:
    assert turns({"type": "custom_tool_call", "call_id": "c", "name": "p"}) == [
        AssistantTurn((ToolUse("c", "p", '{"input":""}'),))
    ]


def test_a_text_is_a_message() -> None:
    assert Turns().of([item("input", message("hi"))]) == [UserTurn((Text("hi"),))]


def test_what_agents_tell_each_other() -> None:
    """Codex's form; what it calls encrypted is what the model wrote."""
    head = {"type": "input_text", "text": "Sender: /lead\nPayload:\n"}
    task = {"type": "encrypted_content", "encrypted_content": "Count."}
    message = {"type": "agent_message", "author": "/lead", "recipient": "/lead/a", "content": [head, task]}
    output = {"type": "function_call_output", "call_id": "c", "output": [task]}
    assert turns(message, {"type": "agent_message"}, output) == [
        UserTurn((Text("Sender: /lead\nPayload:\n"), Text("Count."))),
        UserTurn((Text(""),)),
        UserTurn((ToolResult("c", (Text("Count."),)),)),
    ]


@pytest.mark.parametrize("part", [PICTURE, {"type": "input_file", "filename": "a.pdf", "file_data": PDF}])
@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_text(role: str, part: Any) -> None:
    with pytest.raises(InvalidRequest, match="cannot stand in a system message") as caught:
        turns({"role": role, "content": [{"type": "input_text", "text": "look"}, part]})
    assert (caught.value.param, caught.value.code) == ("input[0].content[1].type", "unsupported_content")


def test_calls_have_the_names_that_their_tools_have() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "b", "namespace": "mcp__a", "arguments": "{}"}
    reader = Turns({("mcp__a", "b"): "mcp__a__b_2"})
    assert reader.of(listed(call)) == [AssistantTurn((ToolUse("c", "mcp__a__b_2", "{}"),))]


def test_flat_names() -> None:
    assert flat_name(None, "f") == flat_name("", "f") == "f"
    assert flat_name("mcp__x__", "f") == "mcp__x__f"
    assert flat_name("mcp__x", "f") == "mcp__x__f"


def test_calls_and_results_in_anthropics_form() -> None:
    reader = Turns({(None, "f.g"): "f_g"})
    assert reader.of(
        listed(
            user("go"),
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f.g", "input": {}}]},
            user({"type": "tool_result", "tool_use_id": "a", "content": "x"}, "and on"),
        )
    ) == [
        UserTurn((Text("go"),)),
        AssistantTurn((ToolUse("a", "f_g", "{}"),)),
        UserTurn((ToolResult("a", (Text("x"),)), Text("and on"))),
    ]


@pytest.mark.parametrize(
    ("id", "shown"), [("tooluse_Ab-1", "call_tooluse_Ab-1"), ("call_1", "call_1"), ("toolu_1", "toolu_1")]
)
def test_ids_of_calls_begin_as_in_this_api_and_go_back_as_they_came(id: str, shown: str) -> None:
    assert shown_call_id(id) == shown
    call = {"type": "function_call", "call_id": shown, "name": "f", "arguments": "{}"}
    free = {"type": "custom_tool_call", "call_id": shown, "name": "p", "input": ""}
    output = {"type": "function_call_output", "call_id": shown, "output": ""}
    assert turns(call, free, output) == [
        AssistantTurn((ToolUse(id, "f", "{}"), ToolUse(id, "p", '{"input":""}'))),
        UserTurn((ToolResult(id, (Text(""),)),)),
    ]
