"""Content parts of every dialect, in messages and in tool outputs (compatibility.md 2.1, 2.3)."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cwproxy.conversation import Document, Image, RemoteImage, Text, ToolResult, ToolUse, UserPart
from cwproxy.dialects.openai_responses import parts
from cwproxy.dialects.openai_responses.schema import Content, MessageItem
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import member_decoder

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DATA_URL = f"data:image/png;base64,{PNG}"
PDF = base64.b64encode(b"%PDF-1.4\n").decode()
SOURCE = {"type": "base64", "media_type": "image/png", "data": PNG}

_message = member_decoder(MessageItem)


def content(*given: Any) -> Content:
    return _message(json.dumps({"role": "user", "content": list(given)}).encode(), "input[0]").content


def user(*given: Any) -> list[UserPart]:
    return list(parts.user(content(*given), "c"))


@pytest.mark.parametrize("kind", ["input_image", "image_url", "image"])
@pytest.mark.parametrize(
    "picture",
    [{"image_url": DATA_URL}, {"image_url": {"url": DATA_URL}}, {"source": SOURCE}, {"source": {"data": PNG}}],
)
def test_pictures_of_all_dialects(kind: str, picture: dict[str, Any]) -> None:
    assert user({"type": kind, **picture}) == [Image("png", PNG, (1, 1))]


def test_a_link_to_a_picture_in_anthropics_form() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}}
    assert user(picture) == [RemoteImage("https://example.org/x.png", "c[0].source.url")]


def test_documents_in_anthropics_form() -> None:
    pdf = {"type": "document", "title": "A", "source": {"media_type": "application/pdf", "data": PDF}}
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}
    flat = {"type": "input_file", "filename": "a.pdf", "file_data": PDF}
    found, said, file = user(pdf, text, flat)
    assert isinstance(found, Document) and (found.format, found.name) == ("pdf", "A")
    assert said == Text("words")
    assert isinstance(file, Document) and file.name == "a.pdf"


def test_results_of_tools_within_a_message() -> None:
    inner = [{"type": "text", "text": "two"}, {"type": "image", "source": SOURCE}]
    assert user(
        {"type": "tool_result", "tool_use_id": "a", "content": "one"},
        {"type": "tool_result", "tool_use_id": "b", "content": inner, "is_error": True},
        {"type": "tool_result", "tool_use_id": "c"},
        {"type": "input_text", "text": "go on"},
    ) == [
        ToolResult("a", (Text("one"),)),
        ToolResult("b", (Text("two"), Image("png", PNG, (1, 1))), failed=True),
        ToolResult("c", ()),
        Text("go on"),
    ]


def test_calls_of_tools_within_an_answer() -> None:
    unknown: list[str] = []
    given = content(
        "Look:",
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g"},
        {},
    )
    assert list(parts.said(given, "c", unknown)) == [
        Text("Look:"),
        ToolUse("a", "f", '{"x": 1}'),
        ToolUse("b", "g", "{}"),
    ]
    assert unknown == ["thinking", ""]


def _user(given: Content) -> Iterator[object]:
    return parts.user(given, "c")


def _output(given: Content) -> Iterator[object]:
    return parts.output(given, "c")


def _said(given: Content) -> Iterator[object]:
    return parts.said(given, "c", [])


def _instructions(given: Content) -> Iterator[object]:
    yield parts.instructions(given, "c")


@pytest.mark.parametrize(
    ("read", "part", "param"),
    [
        (_user, {"type": "image"}, "c[0].image_url"),
        (_user, {"type": "image", "source": {"type": "file", "file_id": "f"}}, "c[0].image_url"),
        (_user, {"type": "image", "source": "x"}, "c[0].image_url"),
        (_user, {"type": "image", "file_id": "f"}, "c[0].file_id"),
        (_user, {"type": "document", "source": {"type": "file", "file_id": "f"}}, "c[0].source"),
        (_user, {"type": "document"}, "c[0].file_data"),
        (_user, {"type": "tool_result", "content": "x"}, "c[0].tool_use_id"),
        (_user, {"type": "tool_result", "tool_use_id": "a", "content": [{}]}, "c[0].content[0].type"),
        (_user, {"type": "tool_use", "id": "a", "name": "f"}, "c[0].type"),
        (_user, {"type": "input_audio"}, "c[0].type"),
        (_output, {"type": "tool_result", "tool_use_id": "a"}, "c[0].type"),
        (_said, {"type": "tool_use", "name": "f"}, "c[0].id"),
        (_said, {"type": "tool_use", "id": "a", "name": ""}, "c[0].name"),
        (_said, {"type": "tool_use", "id": "a", "name": "f", "input": [1]}, "c[0].input"),
        (_said, {"type": "output_text"}, "c[0].text"),
        (_user, {"type": "encrypted_content"}, "c[0].encrypted_content"),
        (_instructions, {"type": "image", "source": SOURCE}, "c[0].type"),
    ],
)
def test_what_cannot_be_used_is_named(read: Callable[[Content], Iterator[object]], part: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list(read(content(part)))
    assert caught.value.param == param
    assert f"`{param.removesuffix('.type')}" in caught.value.message


def test_lines_of_instructions() -> None:
    assert parts.instructions(content({"type": "text", "text": "a"}, "b"), "c") == "a\nb"
    assert parts.instructions(None, "c") == ""


def test_a_text_alone() -> None:
    assert list(parts.output("hi", "c")) == [Text("hi")]
    assert list(parts.user(content({"type": "refusal"}), "c")) == [Text("")]
