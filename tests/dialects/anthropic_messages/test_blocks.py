"""Blocks of every type, as parts (compatibility.md 2.2, backend-rules.md E 9, 10)."""

from typing import Any

import msgspec
import pytest
from tests.support.pictures import JPEG, PDF, PNG, data_url

from cwproxy.conversation import (
    AssistantPart,
    Document,
    Image,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    Text,
    ToolResult,
    ToolUse,
    UserPart,
)
from cwproxy.dialects.anthropic_messages.blocks import Blocks
from cwproxy.dialects.anthropic_messages.schema import Content, Message
from cwproxy.errors import InvalidRequest


def content(document: object) -> Content:
    return msgspec.convert({"role": "user", "content": document}, Message).content


def raw(*blocks: dict[str, Any]) -> Content:
    return msgspec.json.decode(msgspec.json.encode({"role": "user", "content": blocks}), type=Message).content


def user(*blocks: dict[str, Any]) -> list[UserPart]:
    return list(Blocks().user(raw(*blocks), "messages[0].content"))


def assistant(*blocks: dict[str, Any]) -> list[AssistantPart]:
    return list(Blocks().assistant(raw(*blocks), "messages[0].content"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        ("hi", [Text("hi")]),
        (["a", {"text": "b"}, {"type": "input_text", "text": ""}], [Text("a"), Text("b"), Text("")]),
        ({"type": "text", "text": "alone"}, [Text("alone")]),
    ],
)
def test_text_in_any_form(given: object, expected: list[UserPart]) -> None:
    assert list(Blocks().user(content(given), "p")) == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": PNG}}, "png"),
        ({"type": "image_url", "image_url": {"url": data_url(JPEG)}}, "jpeg"),
        ({"type": "input_image", "image_url": data_url(JPEG)}, "jpeg"),
    ],
)
def test_pictures(block: dict[str, Any], expected: str) -> None:
    (picture,) = user(block)
    assert isinstance(picture, Image)
    assert picture.format == expected


def test_a_picture_elsewhere_is_for_others_to_fetch() -> None:
    url = "https://example.com/a.png"
    assert user({"type": "image", "source": {"type": "url", "url": url}}) == [
        RemoteImage(url, "messages[0].content[0].source.url")
    ]


def test_documents() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert user({"type": "document", "source": pdf, "title": "a.pdf", "context": "Of May."}) == [
        Text("Of May."),
        Document("pdf", "a.pdf", PDF),
    ]
    text = {"type": "text", "media_type": "text/plain", "data": "Hello."}
    assert user({"type": "document", "source": text, "title": "T"}) == [Text('[Document "T"]\nHello.')]
    assert user({"type": "document", "source": text}) == [Text("Hello.")]
    inner = {"type": "content", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    assert user({"type": "document", "source": inner}) == [Text("one"), Text("two")]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image"},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ],
)
def test_files_that_are_kept_elsewhere_are_refused(block: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        user(block)
    assert (caught.value.code, caught.value.param) == ("unsupported_file", "messages[0].content[0].source")


def test_results_of_tools() -> None:
    blocks = [
        {"type": "text", "text": "here"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "tool_reference", "tool_name": "mcp__a__b"},
        {"type": "search_result", "source": "https://e.x", "title": "E", "content": [{"type": "text", "text": "t"}]},
        {"type": "search_result", "source": "https://e.x", "title": "", "content": []},
    ]
    (result, plain, empty) = user(
        {"type": "tool_result", "tool_use_id": "t1", "content": blocks},
        {"type": "tool_result", "tool_use_id": "", "content": "no", "is_error": True},
        {"type": "tool_result", "tool_use_id": "t2"},
    )
    assert isinstance(result, ToolResult)
    text, picture, reference, found, bare = result.content
    assert isinstance(picture, Image)
    assert (text, reference) == (Text("here"), Text('The tool "mcp__a__b" can be called now.'))
    assert (found, bare) == (Text("E\nhttps://e.x\nt"), Text("https://e.x"))
    assert plain == ToolResult("", (Text("no"),), failed=True)
    assert empty == ToolResult("t2", ())


def test_what_the_assistant_said() -> None:
    assert assistant(
        {"type": "thinking", "thinking": "hm", "signature": "c2ln+/="},
        {"type": "thinking"},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "text", "text": "Well", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1e2}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "", "name": "g"},
    ) == [
        Reasoning("hm", "c2ln+/="),
        Reasoning("", ""),
        RedactedReasoning("AAAA"),
        Text("Well"),
        ToolUse("t1", "f", '{"a":100.0}'),
        ToolUse("", "g", "{}"),
    ]


def test_what_anthropics_servers_did_earlier_is_told_as_text() -> None:
    assert assistant(
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
        {"type": "mcp_tool_use", "id": "s2"},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "url": "https://e.x", "title": "E", "encrypted_content": "x"}],
        },
        {"type": "web_search_tool_result", "content": {"type": "web_search_tool_result_error", "error_code": "x"}},
        {"type": "web_search_tool_result", "content": []},
        {
            "type": "code_execution_tool_result",
            "content": {
                "type": "code_execution_result",
                "stdout": "1\n",
                "stderr": "oh",
                "return_code": 0,
                "content": [],
            },
        },
        {
            "type": "web_fetch_tool_result",
            "content": {
                "type": "web_fetch_result",
                "url": "https://e.x",
                "content": {
                    "type": "document",
                    "title": "T",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Hello."},
                },
            },
        },
        {
            "type": "web_fetch_tool_result",
            "content": {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "y"}]}},
        },
        {
            "type": "tool_search_tool_result",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "f"}, {"type": "tool_reference"}],
            },
        },
    ) == [
        Text('[web_search {"query":"q"}]'),
        Text("[mcp_tool_use {}]"),
        Text("E https://e.x"),
        Text("x"),
        Text("1\n\noh"),
        Text("https://e.x\nT\nHello."),
        Text("y"),
        Text('The tool "f" can be called now.'),
    ]


def test_results_that_hold_nothing_that_can_be_told_are_named() -> None:
    blocks = Blocks()
    content = raw({"type": "new_tool_result", "content": {"type": "new_result", "encrypted": "x"}})
    assert list(blocks.assistant(content, "p")) == []
    assert blocks.unknown == ["new_tool_result"]


def test_arguments_may_be_a_string() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f"}
    assert assistant({**call, "input": '{"a": 1}'}, {**call, "input": ""}) == [
        ToolUse("t", "f", '{"a": 1}'),
        ToolUse("t", "f", "{}"),
    ]


def test_changes_of_the_tools_are_told() -> None:
    reference = {"type": "tool_reference", "name": "f"}
    code = {"type": "tool_definition", "definition": {"type": "code_execution_20250825", "name": "g"}}
    content = raw(
        {"type": "tool_addition", "tool": reference},
        {"type": "tool_definition", "definition": {"name": "g"}},
        {"type": "tool_removal", "tool": reference},
        {"type": "tool_addition", "tool": code},
        {"type": "tool_addition", "tool": {"type": "mcp_toolset_reference", "server_name": "s"}},
    )
    told = [
        'The tool "f" can be called now.',
        'The tool "g" can be called now.',
        'The tool "f" cannot be called any more.',
    ]
    blocks = Blocks()
    assert list(blocks.text(raw({"type": "tool_reference", "tool_name": "f"}), "p")) == told[:1]
    assert list(blocks.text(content, "p")) == told
    assert list(blocks.user(content, "p")) == [Text(text) for text in told]
    assert blocks.unknown == ["tool_addition"] * 4


def test_blocks_that_nobody_knows_are_left_out_and_named() -> None:
    blocks = Blocks()
    strange = raw({"type": "hologram"}, {"thinking": "?"})
    assert [*blocks.user(strange, "p"), *blocks.assistant(strange, "p"), *blocks.text(strange, "p")] == []
    assert blocks.unknown == ["hologram", "(none)"] * 3


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "text"}, "text"),
        ({"type": "tool_use", "name": "f"}, "id"),
        ({"type": "tool_use", "id": "t1", "name": ""}, "name"),
    ],
)
def test_what_is_missing_is_named(block: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        assistant(block)
    assert (caught.value.param, caught.value.code) == (f"messages[0].content[0].{param}", "missing_required_parameter")


def test_a_result_names_its_call() -> None:
    with pytest.raises(InvalidRequest) as caught:
        user({"type": "tool_result", "content": "x"})
    assert caught.value.param == "messages[0].content[0].tool_use_id"
