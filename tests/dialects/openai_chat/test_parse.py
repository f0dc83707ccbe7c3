"""A whole request: what is taken over, what is ignored, what is refused (compatibility.md 3.2)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.conversation import Conversation, JsonAnswer, Text, Tool, ToolChoice, UserTurn
from cwproxy.dialects.openai_chat import ChatRequest, Shape, parse
from cwproxy.errors import InvalidRequest
from cwproxy.reply import Finished, Reply, ReplyEvent, StopReason, TextDelta, TextPart, Usage

HELLO = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def parsed(**members: Any) -> ChatRequest:
    return parse(json.dumps({"model": "m", "messages": HELLO, **members}, separators=(",", ":")).encode())


def test_the_least_request() -> None:
    assert parsed() == ChatRequest(
        (Conversation("m", (UserTurn((Text("hi"),)),)),), "m", False, False, Shape(), ignored=(), emulated=()
    )


@pytest.mark.parametrize(
    ("members", "stream", "usage"),
    [
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream": None, "stream_options": {"include_obfuscation": False}}, False, False),
    ],
)
def test_streaming(members: dict[str, Any], stream: bool, usage: bool) -> None:
    request = parsed(**members)
    assert (request.stream, request.include_usage) == (stream, usage)


def test_what_only_tunes_is_named_and_ignored() -> None:
    request = parsed(
        temperature=0.5,
        top_p=1,
        seed=7,
        logprobs=True,
        top_logprobs=3,
        logit_bias={"50256": -100},
        frequency_penalty=None,
        n=1,
        metadata={"a": "b"},
        user="me",
    )
    assert request.ignored == ("temperature", "top_p", "seed", "logit_bias", "logprobs", "top_logprobs")
    assert parsed(logprobs=False, temperature=None, stop="x").ignored == ()


@pytest.mark.parametrize(
    ("members", "stop", "limit", "emulated", "ignored"),
    [
        ({"stop": "END"}, ("END",), None, ("stop",), ()),
        ({"stop": ["a", "", "b"]}, ("a", "b"), None, ("stop",), ()),
        ({"stop": ""}, (), None, (), ()),
        ({"stop": []}, (), None, (), ()),
        ({"max_tokens": 9}, (), 9, ("max_tokens",), ()),
        ({"max_completion_tokens": 5}, (), 5, ("max_completion_tokens",), ()),
        ({"max_completion_tokens": 5, "max_tokens": 9}, (), 5, ("max_completion_tokens",), ("max_tokens",)),
    ],
)
def test_where_the_answer_ends(
    members: dict[str, Any],
    stop: tuple[str, ...],
    limit: int | None,
    emulated: tuple[str, ...],
    ignored: tuple[str, ...],
) -> None:
    request = parsed(**members)
    (conversation,) = request.conversations
    assert (conversation.stop, conversation.max_tokens) == (stop, limit)
    assert (request.emulated, request.ignored) == (emulated, ignored)


def test_choices_and_effort() -> None:
    request = parsed(n=3, reasoning_effort="high")
    assert request.conversations == (request.conversations[0],) * 3
    assert request.conversations[0].effort == "high"
    assert request.emulated == ("n",)
    named = request.called("mine")
    assert [conversation.name for conversation in named.conversations] == ["mine"] * 3
    with pytest.raises(InvalidRequest, match="at most 2") as caught:
        parse(b'{"model":"m","messages":[{"role":"user","content":"x"}],"n":3}', max_choices=2)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_value")


@pytest.mark.parametrize(
    ("members", "parallel"),
    [
        ({"tools": TOOLS}, True),
        ({"tools": TOOLS, "parallel_tool_calls": True}, True),
        ({"tools": TOOLS, "parallel_tool_calls": False}, False),
        ({"functions": [{"name": "f"}]}, False),
    ],
)
def test_calls_at_once(members: dict[str, Any], parallel: bool) -> None:
    assert parsed(**members).conversations[0].parallel is parallel


def test_tools_of_other_kinds() -> None:
    tools = [*TOOLS, {"type": "custom", "custom": {"name": "c"}}, {"type": "web_search_preview"}]
    request = parsed(tools=tools, temperature=1)
    assert request.ignored == ("temperature", "tools[web_search]")
    assert request.emulated == ("tools[custom]",)
    assert request.shape == Shape(custom=frozenset({"c"}))


@pytest.mark.parametrize(
    ("members", "emulated", "shape"),
    [
        ({"tools": TOOLS}, (), Shape()),
        ({"tools": TOOLS, "tool_choice": "none"}, ("tool_choice",), Shape(call_limit=0)),
        ({"tools": TOOLS, "tool_choice": "required"}, ("tool_choice",), Shape()),
        ({"tools": TOOLS, "parallel_tool_calls": False}, ("parallel_tool_calls",), Shape(call_limit=1)),
        ({"functions": [{"name": "f"}]}, (), Shape(call_limit=1, legacy_functions=True)),
        (
            {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
            ("function_call",),
            Shape(call_limit=1, legacy_functions=True),
        ),
        ({"response_format": {"type": "json_object"}}, ("response_format",), Shape()),
        ({"response_format": {"type": "text"}}, (), Shape()),
    ],
)
def test_what_is_asked_of_the_model_in_words(members: dict[str, Any], emulated: tuple[str, ...], shape: Shape) -> None:
    request = parsed(**members)
    assert (request.emulated, request.shape) == (emulated, shape)


def test_tools_reach_the_conversation() -> None:
    conversation = parsed(tools=TOOLS, tool_choice="required").conversations[0]
    assert conversation.tools == (Tool("f", "", b'{"type":"object"}'),)
    assert conversation.tool_choice == ToolChoice("required")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonAnswer()),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, JsonAnswer()),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": None}}, JsonAnswer()),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}},
            JsonAnswer(b'{"type":"object"}'),
        ),
    ],
)
def test_json_answers(wanted: object, expected: JsonAnswer | None) -> None:
    assert parsed(response_format=wanted).conversations[0].answer == expected


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"n": 5}, "n"),
        ({"n": 0}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"n": 1.5}, "n"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"verbosity": "loud"}, "verbosity"),
        ({"metadata": []}, "metadata"),
        ({"user": 5}, "user"),
        ({"store": "yes"}, "store"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
            "response_format.json_schema.schema",
        ),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": {}}, "tools"),
    ],
)
def test_what_cannot_be_served_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**members)
    assert caught.value.param == param


def test_text_modalities_and_one_choice_are_fine() -> None:
    assert parsed(modalities=["text"], n=1).ignored == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "text", "function", "name", "content", "id"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["tools", "tool_choice", "stream", "n", "response_format", "functions", "messages"]), JSON
    )
)
def test_no_json_raises_anything_else(members: dict[str, Any]) -> None:
    try:
        parsed(**members)
    except InvalidRequest as error:
        assert error.message


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_a_long_history_is_parsed_in_time() -> None:
    history = [{"role": role, "content": "x" * 1000} for _ in range(5_000) for role in ("user", "assistant")]
    body = json.dumps({"model": "m", "messages": history}).encode()
    assert len(parse(body).conversations[0].turns) == 10_000


def test_a_request_shows_its_answer() -> None:
    request = parsed(stream_options={"include_usage": True})
    events: list[ReplyEvent] = [TextDelta(0, "Hi"), Usage(7, 5, "backend"), Finished(StopReason.END_TURN)]
    data = request.renderer(id="i", created=1).feed(events)
    assert data.count(b'"total_tokens":12') == 1
    replies = [Reply((TextPart("Hi"),), Usage(7, 5, "backend"), StopReason.END_TURN)]
    found = json.loads(request.complete(replies, id="i", created=1))
    assert (found["id"], found["choices"][0]["message"]["content"]) == ("i", "Hi")
    assert request.usage(replies * 2) == Usage(7, 10, "backend")
