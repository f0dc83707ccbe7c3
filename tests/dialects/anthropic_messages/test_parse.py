"""Requests as Claude Code and the SDKs send them, in our own terms (compatibility.md 2.2)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    JsonAnswer,
    Search,
    SystemTurn,
    Text,
    ToolChoice,
    ToolUse,
    UserTurn,
)
from cwproxy.dialects.anthropic_messages import MessagesRequest, Shape, parse, parse_count
from cwproxy.errors import InvalidRequest
from cwproxy.reply import Reply, StopReason, TextPart, Usage

TOOL = {"name": "f", "input_schema": {"type": "object"}}


def estimate(conversation: Conversation) -> int:
    return len(conversation.turns)


def body(**members: Any) -> bytes:
    whole = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}], **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


def parsed(**members: Any) -> MessagesRequest:
    return parse(body(**members), estimate=estimate)


def conversation(**members: Any) -> Conversation:
    (found,) = parsed(**members).conversations
    return found


def test_the_least_request() -> None:
    asked = parsed()
    assert asked.conversations == (Conversation("m", (UserTurn((Text("hi"),)),), max_tokens=10, any_version=True),)
    assert (asked.model, asked.stream, asked.shape, asked.input_tokens) == ("m", False, Shape(), 0)
    assert (asked.ignored, asked.emulated) == ((), ("max_tokens",))


def test_a_stream_begins_with_an_estimate() -> None:
    assert parsed(stream=True).input_tokens == 1


def test_turns_keep_their_order() -> None:
    turns = conversation(
        system=[
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329.abc; cc_entrypoint=sdk-cli;"},
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        ],
        messages=[
            {"role": "user", "content": []},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "go on"},
            {"role": "system", "content": [{"type": "text", "text": "Now."}, {"type": "text", "text": "Here."}]},
        ],
    ).turns
    assert turns == (
        SystemTurn("Be brief."),
        UserTurn((Text(""),)),
        AssistantTurn((ToolUse("t", "f", "{}"),)),
        AssistantTurn((Text(""),)),
        UserTurn((Text("go on"),)),
        SystemTurn("Now."),
        SystemTurn("Here."),
    )


def test_system_as_text() -> None:
    assert conversation(system="Be brief.").turns[0] == SystemTurn("Be brief.")


def test_demands() -> None:
    found = conversation(
        stop_sequences=["END", ""],
        tools=[TOOL],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    assert (found.stop, found.tool_choice, found.parallel) == (("END",), ToolChoice("required"), False)
    assert found.answer == JsonAnswer(b'{"type": "object"}')


def test_the_older_name_of_the_format() -> None:
    asked = parsed(output_format={"type": "json_schema", "schema": {"type": "object"}})
    assert asked.conversations[0].answer == JsonAnswer(b'{"type": "object"}')
    assert "output_format" in asked.emulated
    assert conversation(output_format={"type": "text"}).answer is None


@pytest.mark.parametrize(
    ("members", "effort", "name"),
    [
        ({}, None, "output_config"),
        ({"output_config": {"effort": "max"}}, "max", "output_config"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "high", "output_config"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low", "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium", "thinking"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high", "thinking"),
        ({"thinking": {"type": "adaptive"}}, "high", "thinking"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low", "thinking"),
        ({"thinking": {"type": "between_tools", "display": "updates"}}, "high", "thinking"),
    ],
)
def test_effort(members: dict[str, Any], effort: str | None, name: str) -> None:
    asked = parsed(**members)
    assert (asked.conversations[0].effort, asked.effort_name) == (effort, name)


@pytest.mark.parametrize(
    ("members", "shape"),
    [
        ({"tools": [TOOL], "tool_choice": {"type": "none"}}, Shape(calls=False)),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, Shape(thinking="shown")),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Shape(thinking="omitted")),
        ({"thinking": {"type": "disabled"}}, Shape()),
    ],
)
def test_shapes(members: dict[str, Any], shape: Shape) -> None:
    assert parsed(**members).shape == shape


def test_what_has_no_effect_or_another_is_named() -> None:
    asked = parsed(
        temperature=1,
        metadata={"user_id": "u"},
        context_management={"edits": []},
        anthropic_beta=["x"],
        betas=None,
        tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
        messages=[{"role": "user", "content": [{"type": "hologram"}]}],
        output_config={"format": {"type": "json_schema", "schema": {}}},
        stop_sequences=["x"],
    )
    assert asked.ignored == ("temperature", "tools[web_search]", "content[hologram]")
    assert asked.emulated == ("max_tokens", "stop_sequences", "output_config")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ...}, "model"),
        ({"max_tokens": ...}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": ...}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"temperature": "hot"}, "temperature"),
        ({"output_config": {"effort": "much"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
    ],
)
def test_what_cannot_be_served_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**members)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("messages", "query"),
    [
        ([{"role": "user", "content": "Perform a web search for the query: größe "}], "größe"),
        (
            [
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "system", "content": "Now."},
            ],
            "a\nb",
        ),
        ([{"role": "assistant", "content": "hi"}], None),
        ([{"role": "user", "content": " "}], None),
        ([{"role": "user", "content": [{"text": "<system-reminder>\na\n</system-reminder>"}, {"text": " b"}]}], "b"),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"text": "<system-reminder>A.</system-reminder>\nPerform a web search for the query: a b"},
                        {"text": "c"},
                    ],
                }
            ],
            "a b",
        ),
    ],
)
def test_what_is_looked_up(messages: list[dict[str, Any]], query: str | None) -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    found = parsed(messages=messages, tools=[search])
    assert found.conversations[0].search == (None if query is None else Search(query))
    assert found.ignored == (("tools[web_search]",) if query is None else ())
    assert conversation(messages=messages, tools=[search, TOOL]).search is None


def test_a_search_is_of_certain_places_and_may_be_forbidden() -> None:
    search = {"type": "web_search_20260209", "name": "web_search"}
    places = {"allowed_domains": ["a.example"], "blocked_domains": ["b.example/x"], "max_uses": 1}
    assert conversation(tools=[{**search, **places}]).search == Search("hi", ("a.example",), ("b.example/x",))
    none = parsed(tools=[{**search, "max_uses": 0, "user_location": {"type": "approximate"}}])
    assert (none.conversations[0].search, none.ignored) == (None, ())
    located = parsed(tools=[{**search, "user_location": {"type": "approximate", "city": "Rome"}}])
    assert located.ignored == ("tools[web_search].user_location",)
    assert parsed(tools=[{**search, "user_location": None}]).ignored == ()
    beside = parsed(tools=[search, TOOL], tool_choice={"type": "tool", "name": "web_search"})
    assert (beside.ignored, beside.emulated) == (("tools[web_search]", "tool_choice"), ("max_tokens",))


def test_only_the_billing_line_is_left_out() -> None:
    line = "x-anthropic-billing-header: cc_version=2; cch=1;"
    assert conversation(system=f"{line}\nBe brief.").turns[0] == SystemTurn("Be brief.")
    assert not isinstance(conversation(system=line).turns[0], SystemTurn)
    assert conversation(system="").turns[0] == SystemTurn("")


def test_thinking_may_be_off_with_an_effort() -> None:
    off = {"type": "disabled"}
    both = parsed(thinking=off, output_config={"effort": "low"})
    asked = both.conversations[0]
    assert (asked.effort, asked.thinks, both.effort_name) == ("low", False, "output_config")
    alone = parsed(thinking=off)
    asked = alone.conversations[0]
    assert (asked.effort, asked.thinks, alone.effort_name) == ("none", True, "thinking")


def test_blocks_that_nobody_knows_may_have_any_members() -> None:
    blocks = [
        {"type": "hologram", "text": 5, "source": [1], "content": [{"type": "text", "text": "x"}]},
        {"type": "text", "text": "a"},
        {"type": "new_tool_result", "content": [{"type": "page", "title": 5}, {"type": "text", "text": "kept"}]},
    ]
    found = parsed(messages=[{"role": "assistant", "content": blocks}], system=[{"type": "new", "name": {}}])
    assert found.conversations[0].turns == (AssistantTurn((Text("a"), Text("kept"))),)
    assert found.ignored == ("content[new]", "content[hologram]")
    for content in ([{"type": "text", "text": 5}], [{"text": 5}], [{"type": 5}], [5]):
        with pytest.raises(InvalidRequest) as caught:
            parsed(messages=[{"role": "user", "content": [*blocks, *content]}])
        assert "messages[0]" in (caught.value.param or "")


def test_a_client_may_name_its_conversation() -> None:
    assert parsed().called("mine").conversations[0].name == "mine"


def test_there_is_one_answer() -> None:
    asked = parsed(stream=True)
    reply = Reply((TextPart("x"),), Usage(1, 1, "estimate"), StopReason.END_TURN)
    assert asked.usage([reply]) is reply.usage
    assert json.loads(asked.complete([reply], id="msg_1", created=0))["id"] == "msg_1"
    assert asked.renderer(id="msg_1", created=0).feed([]).startswith(b"event: message_start\n")
    with pytest.raises(ValueError, match="no choices"):
        asked.chorus(id="msg_1", created=0)


def test_counting_needs_no_limit() -> None:
    assert parse_count(body(max_tokens=..., system="s"), estimate=estimate) == 2
    with pytest.raises(InvalidRequest):
        parse_count(body(model=...), estimate=estimate)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        parse(data, estimate=estimate)
    except InvalidRequest as error:
        assert error.message
