"""Whole requests: what becomes of every parameter, and that nothing but InvalidRequest is ever raised."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.replies import TABLE

from cwproxy.conversation import AssistantTurn, Conversation, JsonAnswer, SystemTurn, Text, Tool, ToolUse, UserTurn
from cwproxy.dialects.openai_responses import Past, ResponsesRequest, read
from cwproxy.errors import InvalidRequest
from cwproxy.reply import fold

HI = UserTurn((Text("hi"),))


def parsed(past: Past | None = None, **members: Any) -> ResponsesRequest:
    body = json.dumps({"model": "m", "input": "hi", **members}).encode()
    return read(body).asked(past or Past(), clock=lambda: 5.5)


def conversation(**members: Any) -> Conversation:
    return parsed(**members).conversations[0]


def test_a_text() -> None:
    asked = parsed()
    assert asked.conversations == (Conversation("m", (HI,)),)
    assert (asked.model, asked.stream, asked.store, asked.previous) == ("m", False, True, None)
    assert (asked.ignored, asked.emulated) == ((), ())
    assert json.loads(asked.input[0])["content"][0]["text"] == "hi"


def test_instructions_stand_first() -> None:
    items = [{"role": "developer", "content": "one"}, {"role": "user", "content": "hi"}]
    assert conversation(instructions="zero", input=items).turns == (SystemTurn("zero"), SystemTurn("one"), HI)


def test_what_is_told_to_the_model() -> None:
    asked = conversation(max_output_tokens=5, reasoning={"effort": "low"}, parallel_tool_calls=False)
    assert (asked.max_tokens, asked.effort, asked.parallel) == (5, "low", False)


@pytest.mark.parametrize(
    ("format", "answer"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonAnswer()),
        ({"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}, JsonAnswer(b'{"a": 1}')),
        ({"type": "json_schema", "name": "n"}, JsonAnswer()),
    ],
)
def test_formats(format: Any, answer: JsonAnswer | None) -> None:
    assert conversation(text={"format": format, "verbosity": "low"}).answer == answer


def test_what_has_no_effect_or_another_one_is_named() -> None:
    asked = parsed(
        temperature=1,
        metadata={"a": "b"},
        max_output_tokens=3,
        tools=[{"type": "web_search"}, {"type": "custom", "name": "c"}],
        input=[{"type": "compaction"}, {"role": "user", "content": "hi"}],
    )
    assert asked.ignored == ("temperature", "tools[web_search]", "input[compaction]")
    assert asked.emulated == ("max_output_tokens", "tools[custom]")


def test_what_codex_sends() -> None:
    asked = parsed(
        instructions=None,
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
        prompt_cache_key="k",
        client_metadata={"x": 1},
        tool_choice="auto",
        parallel_tool_calls=True,
        text={"verbosity": "low"},
    )
    assert (asked.ignored, asked.emulated) == ((), ())
    assert (asked.stream, asked.store, asked.shape.summary, asked.shape.encrypted) == (True, False, True, True)


@pytest.mark.parametrize(
    ("members", "summary", "encrypted"),
    [
        ({}, False, True),
        ({"store": False}, False, False),
        ({"reasoning": {"effort": "low"}}, False, True),
        ({"reasoning": {"summary": "none"}}, False, True),
        ({"reasoning": {"generate_summary": "concise"}}, True, True),
    ],
)
def test_thoughts(members: dict[str, Any], summary: bool, encrypted: bool) -> None:
    shape = parsed(**members).shape
    assert (shape.summary, shape.encrypted) == (summary, encrypted)


def test_nothing_is_promised_where_nothing_is_kept() -> None:
    asked = read(b'{"model":"m","input":"hi","store":true}', keeps=False).asked(Past(), clock=lambda: 0)
    assert (asked.store, asked.shape.echo["store"], asked.shape.encrypted) == (False, False, False)


def test_calls_are_not_shown_when_there_are_to_be_none() -> None:
    assert parsed().shape.calls
    assert not parsed(tools=[{"type": "function", "name": "f"}], tool_choice="none").shape.calls


def test_an_earlier_response_stands_before_the_input() -> None:
    call = b'{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}'
    tools = b'{"type":"additional_tools","tools":[{"type":"function","name":"f"}]}'
    past = Past((msgspec.Raw(b'{"role":"user","content":"go"}'), msgspec.Raw(tools), msgspec.Raw(call)))
    asked = parsed(past, previous_response_id="resp_1", instructions="new")
    assert asked.previous == "resp_1"
    assert asked.conversations[0].turns == (
        SystemTurn("new"),
        UserTurn((Text("go"),)),
        AssistantTurn((ToolUse("c", "f", "{}"),)),
        HI,
    )
    assert asked.conversations[0].tools == (Tool("f", "", b"{}"),)
    assert len(asked.input) == 1


def test_an_earlier_response_is_input_enough() -> None:
    draft = read(b'{"model":"m","previous_response_id":"resp_1"}')
    assert (draft.previous, draft.input) == ("resp_1", ())


def test_items_that_are_named() -> None:
    item = {"type": "item_reference", "id": "msg_ab0001"}
    draft = read(json.dumps({"model": "m", "input": [item, {"id": "x"}, {"role": "user", "content": "hi"}]}).encode())
    assert draft.responses == {"resp_ab"}
    kept = {"msg_ab0001": b'{"role":"assistant","content":"kept"}', "x": b'{"role":"user","content":"x"}'}
    found = draft.conversation(Past(kept=kept))
    assert found.turns == (AssistantTurn((Text("kept"),)), UserTurn((Text("x"),)), HI)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"reasoning": {"effort": 5}}, "reasoning.effort"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": 5}}}, "text.format.schema"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [5]}, "tools[0]"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_what_cannot_be_served_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**members)
    assert caught.value.param == param


def test_lone_surrogates_are_replaced() -> None:
    body = rb'{"model":"m","input":[{"role":"user","content":"a\ud83d"}]}'
    assert read(body).conversation(Past()).turns == (UserTurn((Text("a\ufffd"),)),)


def test_ways_to_answer() -> None:
    asked = parsed().called("mine")
    assert asked.conversations[0].name == "mine"
    reply = fold(TABLE["text"])
    body = json.loads(asked.complete([reply], id="resp_1", created=4))
    assert (body["id"], body["created_at"], body["completed_at"], body["model"]) == ("resp_1", 4, 5, "m")
    renderer = asked.renderer(id="resp_1", created=4)
    renderer.feed(TABLE["text"])
    assert json.loads(renderer.whole) == body
    assert asked.usage([reply]) is reply.usage
    with pytest.raises(ValueError, match="no choices"):
        asked.chorus(id="resp_1", created=4)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.text(max_size=3)
    | st.sampled_from(["message", "function", "f"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "name", "tools", "id", "call_id", "output", "text", "format"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["model", "input", "tools", "tool_choice", "text", "reasoning"]), _VALUES))
def test_nothing_else_is_raised(members: dict[str, Any]) -> None:
    try:
        read(json.dumps(members).encode()).asked(Past(), clock=lambda: 0)
    except InvalidRequest as error:
        assert error.message


@given(st.binary(max_size=40))
def test_nothing_else_is_raised_for_any_bytes(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read(body)


def test_names_that_would_be_the_same_stay_apart_in_the_history() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "b", "namespace": "mcp__a", "arguments": "{}"}
    tools = [
        {"type": "function", "name": "mcp__a__b"},
        {"type": "namespace", "name": "mcp__a", "tools": [{"type": "function", "name": "b"}]},
        {"type": "web_search"},
    ]
    asked = parsed(input=[{"role": "user", "content": "go"}, call], tools=tools, tool_choice={"type": "web_search"})
    assert asked.conversations[0].turns[1] == AssistantTurn((ToolUse("c", "mcp__a__b_2", "{}"),))
    assert asked.shape.named("mcp__a__b_2") == {"name": "b", "namespace": "mcp__a"}
    assert asked.shape.named("mcp__a__b") == {"name": "mcp__a__b"}
    assert asked.ignored == ("tools[web_search]", "tool_choice")
    assert asked.emulated == ()


def test_who_only_counts_need_not_name_a_model() -> None:
    with pytest.raises(InvalidRequest, match="`model` is missing"):
        read(b'{"input":"hi"}')
    assert read(b'{"input":"hi"}', counted=True).conversation(Past()).turns == (HI,)
