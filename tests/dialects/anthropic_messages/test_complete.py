"""Whole messages, read back with Anthropic's own types (compatibility.md 2.2)."""

import json
from typing import Any

import pytest
from anthropic.types import Message
from tests.support.replies import TABLE, USAGE

from cwproxy.dialects.anthropic_messages import Shape, complete
from cwproxy.reply import RedactedPart, Reply, ReplyEvent, StopReason, ToolUsePart, fold


def message(reply: Reply, shape: Shape | None = None) -> dict[str, Any]:
    body = complete(reply, id="msg_1", model="m", shape=shape or Shape())
    Message.model_validate_json(body, strict=True)
    document: dict[str, Any] = json.loads(body)
    return document


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_every_reply_is_a_message(said: list[ReplyEvent]) -> None:
    told = message(fold(said))
    assert (told["id"], told["type"], told["role"], told["model"]) == ("msg_1", "message", "assistant", "m")


def test_text_has_an_empty_list_of_citations() -> None:
    assert message(fold(TABLE["text"]))["content"] == [{"type": "text", "text": 'Grüße "世界"', "citations": []}]


def test_thoughts_are_shown_as_they_are_wanted() -> None:
    thought = fold(TABLE["reasoning"])
    assert [block["type"] for block in message(thought)["content"]] == ["text"]
    shown, _ = message(thought, Shape(thinking="shown"))["content"]
    assert shown == {"type": "thinking", "thinking": "hm", "signature": "c2lnbmF0dXJl"}
    omitted, _ = message(thought, Shape(thinking="omitted"))["content"]
    assert omitted == {"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"}
    redacted = message(Reply((RedactedPart("AAAA"),), USAGE, StopReason.END_TURN), Shape(thinking="shown"))
    assert redacted["content"] == [{"type": "redacted_thinking", "data": "AAAA"}]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", {}), ('{"a": [1, "é"]}', {"a": [1, "é"]}), ("[1]", {"_raw": "[1]"}), ('{"a"', {"_raw": '{"a"'})],
)
def test_the_input_of_a_call_is_an_object(arguments: str, expected: dict[str, Any]) -> None:
    told = message(Reply((ToolUsePart("t1", "f", arguments),), USAGE, StopReason.TOOL_USE))
    (block,) = told["content"]
    assert block == {"type": "tool_use", "id": "t1", "name": "f", "input": expected, "caller": {"type": "direct"}}
    assert told["stop_reason"] == "tool_use"
