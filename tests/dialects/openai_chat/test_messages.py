"""Every form of message that clients send (compatibility.md 1.2, backend-rules.md E 24)."""

import json
from typing import Any

import msgspec
import pytest
from tests.support.pictures import PDF, PNG, data_url

from cwproxy.conversation import (
    AssistantTurn,
    Document,
    Image,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserTurn,
)
from cwproxy.dialects.openai_chat.messages import turns
from cwproxy.dialects.openai_chat.schema import Message
from cwproxy.errors import InvalidRequest


def parsed(*messages: dict[str, Any]) -> tuple[Turn, ...]:
    found = msgspec.json.decode(json.dumps(messages), type=list[Message])
    return turns((f"messages[{index}]", message) for index, message in enumerate(found))


def user(content: object) -> Turn:
    (turn,) = parsed({"role": "user", "content": content})
    return turn


def assistant(**members: object) -> Turn:
    (turn,) = parsed({"role": "assistant", **members})
    return turn


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("hi", (Text("hi"),)),
        ("", (Text(""),)),
        (None, (Text(""),)),
        ([], (Text(""),)),
        ([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}], (Text("a"), Text("b"))),
        (
            [{"type": "output_text", "text": "a", "annotations": []}, "b", {"text": "c"}],
            (Text("a"), Text("b"), Text("c")),
        ),
        ([{"type": "refusal", "refusal": "no"}, {"refusal": "never"}], (Text("no"), Text("never"))),
        ([{"type": "refusal"}], (Text(""),)),
        ([{"type": "image_url", "image_url": {"url": data_url(PNG), "detail": "high"}}], (Image("png", PNG),)),
        ([{"type": "image_url", "image_url": data_url(PNG)}], (Image("png", PNG),)),
        ([{"image_url": {"url": data_url(PNG)}}], (Image("png", PNG),)),
        ([{"type": "input_image", "image_url": data_url(PNG)}], (Image("png", PNG),)),
        (
            [{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}}],
            (Image("png", PNG),),
        ),
        ([{"type": "image", "source": {"type": "url", "url": data_url(PNG)}}], (Image("png", PNG),)),
        (
            [{"type": "tool_result", "tool_use_id": "t", "content": "out", "is_error": True}, {"text": "go on"}],
            (ToolResult("t", (Text("out"),), failed=True), Text("go on")),
        ),
        ([{"type": "text", "text": "a", "prompt_cache_breakpoint": {}, "cache_control": None}], (Text("a"),)),
    ],
)
def test_user_content(content: object, parts: tuple[object, ...]) -> None:
    assert user(content) == UserTurn(parts)  # type: ignore[arg-type] # the table holds parts only


def test_missing_content_is_empty() -> None:
    assert parsed({"role": "user", "name": "bob"}) == (UserTurn((Text(""),)),)


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_at_any_position(role: str) -> None:
    said = parsed(
        {"role": role, "content": "one"},
        {"role": "user", "content": "hi"},
        {"role": role, "content": [{"type": "text", "text": "two"}, "three"]},
        {"role": role, "content": None},
    )
    assert said == (SystemTurn("one"), UserTurn((Text("hi"),)), SystemTurn("two\nthree"), SystemTurn(""))


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize("content", [None, "", [], [""]])
def test_calls_beside_no_text(content: object) -> None:
    turn = assistant(content=content, tool_calls=[CALL])
    assert isinstance(turn, AssistantTurn)
    assert turn.parts[-1] == ToolUse("c1", "f", '{"a": 1}')


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("", "{}"),
        ("  ", "{}"),
        (None, "{}"),
        ({"a": [1, {"b": "ü"}]}, '{"a": [1, {"b": "\\u00fc"}]}'),
        ("not json", "not json"),
    ],
)
def test_arguments_as_text_object_or_nothing(arguments: object, expected: str) -> None:
    turn = assistant(tool_calls=[{"id": "c", "function": {"name": "f", "arguments": arguments}}])
    assert turn == AssistantTurn((ToolUse("c", "f", expected),))


def test_a_custom_call_has_its_input_as_argument() -> None:
    turn = assistant(tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "patch", "input": 'a"b'}}])
    assert turn == AssistantTurn((ToolUse("c", "patch", '{"input":"a\\"b"}'),))


def test_an_assistant_says_text_and_calls_in_order() -> None:
    turn = assistant(
        content=[
            {"type": "thinking", "thinking": "hm"},
            "so",
            {"type": "tool_use", "id": "t", "name": "g", "input": {"x": 1}},
        ],
        reasoning_content="dropped",
        tool_calls=[CALL],
    )
    assert turn == AssistantTurn((Text("so"), ToolUse("t", "g", '{"x": 1}'), ToolUse("c1", "f", '{"a": 1}')))


def test_a_refusal_stands_for_missing_content() -> None:
    assert assistant(content=None, refusal="I will not") == AssistantTurn((Text("I will not"),))
    assert assistant(content="x", refusal="I will not") == AssistantTurn((Text("x"),))
    assert assistant() == AssistantTurn((Text(""),))


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("42", (Text("42"),)),
        (None, ()),
        (
            [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": data_url(PNG)}}],
            (Text("see"), Image("png", PNG)),
        ),
    ],
)
def test_tool_answers(content: object, parts: tuple[Text | Image, ...]) -> None:
    (turn,) = parsed({"role": "tool", "tool_call_id": "c1", "content": content})
    assert turn == UserTurn((ToolResult("c1", parts),))


def test_an_empty_id_is_an_id() -> None:
    said = parsed(
        {"role": "assistant", "content": "", "tool_calls": [{"id": "", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "", "content": "42"},
    )
    assert said == (
        AssistantTurn((Text(""), ToolUse("", "f", "{}"))),
        UserTurn((ToolResult("", (Text("42"),)),)),
    )


def test_deprecated_function_calls_are_paired_by_name() -> None:
    said = parsed(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": None, "function_call": {"name": "g"}},
        {"role": "function", "name": "g", "content": "2"},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "function", "name": "f", "content": "orphan"},
    )
    asked = [part for turn in said[:2] for part in turn.parts if isinstance(turn, AssistantTurn)]  # type: ignore[union-attr] # both are assistant turns
    assert asked == [ToolUse("function_1", "f", "{}"), ToolUse("function_2", "g", "{}")]
    answered = [
        part.tool_use_id
        for turn in said[2:]
        if isinstance(turn, UserTurn)
        for part in turn.parts
        if isinstance(part, ToolResult)
    ]
    assert answered == ["function_2", "function_1", "function_f"]


DEEP = "[" * 101 + "]" * 101


def test_documents_stand_in_user_messages_and_in_tools_answers() -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": data_url(PDF, "application/pdf")}}
    report = Document("pdf", "a.pdf", PDF)
    asked, answered = parsed(
        {"role": "user", "content": [part, "x"]}, {"role": "tool", "tool_call_id": "t", "content": [part]}
    )
    assert asked == UserTurn((report, Text("x")))
    assert answered == UserTurn((ToolResult("t", (report,)),))


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "wizard", "content": "x"}, "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": [{}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": ["x", {"file": {}}]}, "messages[0].content[1].file.file_data"),
        ({"role": "tool", "tool_call_id": "t", "content": [{"type": "input_audio"}]}, "messages[0].content[0].type"),
        ({"role": "system", "content": [{"type": "file", "file": {}}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages[0].content[0].image_url"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"role": "user", "content": [{"type": "tool_result"}]}, "messages[0].content[0].tool_use_id"),
        (
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "file"}]}]},
            "messages[0].content[0].content[0].file_data",
        ),
        ({"role": "system", "content": [{"image_url": data_url(PNG)}]}, "messages[0].content[0].type"),
        ({"role": "assistant", "content": [{"image_url": data_url(PNG)}]}, "messages[0].content[0].type"),
        ({"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}, "messages[0].content[0].id"),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "messages[0].tool_calls[0].function"),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}, "messages[0].tool_calls[0].id"),
        (
            {"role": "assistant", "tool_calls": [CALL, {"id": "c", "function": {"name": ""}}]},
            "messages[0].tool_calls[1].function.name",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": DEEP}}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": [1]}},
            "messages[0].function_call.arguments",
        ),
    ],
)
def test_what_cannot_be_used_is_named_by_its_path(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(message)
    assert caught.value.param == param
    assert param.removesuffix(".type") in caught.value.message
