"""What was asked is a value: comparable, hashable, and never changed after it was made."""

import msgspec
import pytest
from msgspec.structs import fields

from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Image,
    JsonAnswer,
    SystemTurn,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    UserTurn,
)


def make() -> Conversation:
    picture = Image("png", "iVBORw==")
    result = ToolResult("call_1", (Text("42"), picture), failed=True)
    return Conversation(
        model="auto",
        turns=(
            SystemTurn("Be brief."),
            UserTurn((Text("What is this?"), picture)),
            AssistantTurn((Text("I shall look."), ToolUse("call_1", "look", "{}"))),
            UserTurn((result,)),
        ),
        tools=(Tool("look", "Looks.", b"{}"),),
        tool_choice=ToolChoice("required", "look"),
        answer=JsonAnswer(b'{"type":"object"}'),
        name="thread-7",
    )


def test_equal_conversations_are_equal_and_hash_alike() -> None:
    assert make() == make()
    assert len({make(), make()}) == 1


def test_a_conversation_needs_only_a_model_and_turns() -> None:
    plain = Conversation("auto", (UserTurn((Text("Hi"),)),))
    assert (plain.tools, plain.tool_choice, plain.answer, plain.name) == ((), ToolChoice("auto", None), None, None)
    assert not ToolResult("call_1", ()).failed
    assert JsonAnswer().schema is None


def test_nothing_of_it_can_be_changed() -> None:
    whole = make()
    assert whole.answer is not None
    everything: list[msgspec.Struct] = [whole, whole.tool_choice, whole.answer, *whole.tools, *whole.turns]
    for turn in whole.turns:
        if not isinstance(turn, SystemTurn):
            everything.extend(turn.parts)
    assert len({type(value) for value in everything}) == 11
    for value in everything:
        for field in fields(value):
            with pytest.raises(AttributeError, match="immutable"):
                setattr(value, field.name, None)
        assert not hasattr(value, "__dict__")
