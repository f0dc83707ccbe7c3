"""Streams, every chunk read back with OpenAI's own types (compatibility.md 1.4, 1.8, hit list 5)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from cwproxy.dialects.openai_chat import ENVELOPE, Renderer, Shape
from cwproxy.dialects.openai_chat.render import PIECE
from cwproxy.errors import ToolUseTruncated
from cwproxy.inbound.failures import failure_of
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

USAGE = Usage(7, 5, "backend")


def renderer(*, include_usage: bool = False, shape: Shape | None = None) -> Renderer:
    return Renderer(id="chatcmpl-1", created=1, model='m "x"', include_usage=include_usage, shape=shape or Shape())


def chunks(data: bytes) -> list[dict[str, Any]]:
    """The JSON of a finished stream, after a look at its framing."""
    assert data.endswith(b"\n\ndata: [DONE]\n\n")
    found: list[dict[str, Any]] = []
    for event in data.removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]:
        assert event.startswith(b"data: {")
        assert b"\n" not in event
        ChatCompletionChunk.model_validate_json(event[6:], strict=True)
        found.append(json.loads(event[6:]))
    assert {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in found} == {
        ("chatcmpl-1", "chat.completion.chunk", 1, 'm "x"')
    }
    return found


def deltas(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in found for choice in chunk["choices"]]


def end(reason: StopReason = StopReason.END_TURN) -> list[ReplyEvent]:
    return [USAGE, Finished(reason)]


TEXT: list[ReplyEvent] = [TextStarted(0), TextDelta(0, "Hel"), TextDelta(0, "lo"), PartEnded(0)]
THOUGHT: list[ReplyEvent] = [
    ReasoningStarted(0),
    ReasoningDelta(0, "hm"),
    ReasoningSignature(0, "sig"),
    PartEnded(0),
]
CALLS: list[ReplyEvent] = [
    ToolUseStarted(1, "t1", "f"),
    ToolUseStarted(3, "t2", "g"),
    ToolArguments(1, '{"a":'),
    ToolArguments(3, '{"b"'),
    ToolArguments(1, "1}"),
    ToolArguments(3, ":2}"),
    PartEnded(1),
    PartEnded(3),
    ToolUseStarted(4, "t3", "h"),
    PartEnded(4),
]
ROLE = {"role": "assistant", "content": ""}


def shown(place: int, call_id: str, name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": ""}
    return {"tool_calls": [{"index": place, "id": call_id, "type": "function", "function": function}]}


def filled(place: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": place, "function": {"arguments": arguments}}]}


@pytest.mark.parametrize(
    ("events", "expected", "finish"),
    [
        (TEXT + end(), [ROLE, {"content": "Hel"}, {"content": "lo"}, {}], "stop"),
        (THOUGHT + end(), [ROLE, {"reasoning_content": "hm"}, {}], "stop"),
        (
            CALLS + end(StopReason.TOOL_USE),
            [
                ROLE,
                shown(0, "t1", "f"),
                shown(1, "t2", "g"),
                filled(0, '{"a":'),
                filled(1, '{"b"'),
                filled(0, "1}"),
                filled(1, ":2}"),
                shown(2, "t3", "h"),
                filled(2, "{}"),
                {},
            ],
            "tool_calls",
        ),
        (TEXT[:2] + end(StopReason.MAX_TOKENS), [ROLE, {"content": "Hel"}, {}], "length"),
        (end(), [ROLE, {}], "stop"),
    ],
    ids=["text", "reasoning", "calls", "length", "nothing"],
)
def test_order(events: list[ReplyEvent], expected: list[dict[str, Any]], finish: str) -> None:
    found = chunks(renderer().feed(events))
    assert deltas(found) == expected
    assert [choice["finish_reason"] for chunk in found for choice in chunk["choices"]] == [
        *[None] * (len(expected) - 1),
        finish,
    ]
    assert all("usage" not in chunk for chunk in found)


@pytest.mark.parametrize("events", [TEXT + end(), THOUGHT + end(), CALLS + end(StopReason.TOOL_USE)])
def test_batches_do_not_change_the_stream(events: list[ReplyEvent]) -> None:
    whole = renderer().feed(events)
    single = renderer()
    assert b"".join(single.feed([event]) for event in events) == whole
    assert single.finished
    assert single.usage == USAGE


def test_usage_comes_last_when_it_was_asked_for() -> None:
    found = chunks(renderer(include_usage=True).feed(TEXT + end()))
    assert [chunk["usage"] for chunk in found[:-1]] == [None] * (len(found) - 1)
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 12


def test_usage_is_never_null_at_the_end() -> None:
    found = chunks(renderer(include_usage=True).feed([Finished(StopReason.END_TURN)]))
    assert found[-1]["usage"]["total_tokens"] == 0


@pytest.mark.parametrize(("limit", "ids"), [(0, []), (1, ["t1"]), (2, ["t1", "t2"])])
def test_no_more_calls_than_wanted(limit: int, ids: list[str]) -> None:
    found = chunks(renderer(shape=Shape(call_limit=limit)).feed(CALLS + end(StopReason.TOOL_USE)))
    calls = [call for delta in deltas(found) for call in delta.get("tool_calls", ())]
    assert [call["id"] for call in calls if "id" in call] == ids
    assert {call["index"] for call in calls} == set(range(limit))
    assert found[-1]["choices"][0]["finish_reason"] == ("tool_calls" if ids else "stop")


def test_a_deprecated_function_call() -> None:
    found = chunks(renderer(shape=Shape(call_limit=1, legacy_functions=True)).feed(CALLS + end(StopReason.TOOL_USE)))
    assert deltas(found) == [
        ROLE,
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"a":'}},
        {"function_call": {"arguments": "1}"}},
        {},
    ]
    assert found[-1]["choices"][0]["finish_reason"] == "function_call"


def test_a_call_of_a_custom_tool_is_shown_when_it_is_complete() -> None:
    events: list[ReplyEvent] = [
        ToolUseStarted(0, "t1", "apply"),
        ToolArguments(0, '{"input":"*** Be'),
        ToolUseStarted(1, "t2", "f"),
        ToolArguments(0, 'gin\\n"}'),
        PartEnded(0),
        PartEnded(1),
        ToolUseStarted(2, "t3", "apply"),
        PartEnded(2),
        *end(StopReason.TOOL_USE),
    ]
    data = renderer(shape=Shape(custom=frozenset({"apply"}))).feed(events)
    assert data.endswith(b"data: [DONE]\n\n")
    found = [json.loads(event[6:]) for event in data.split(b"\n\n")[:-2]]
    assert deltas(found) == [
        ROLE,
        {"tool_calls": [{"index": 0, "id": "t1", "type": "custom", "custom": {"name": "apply", "input": ""}}]},
        shown(1, "t2", "f"),
        {"tool_calls": [{"index": 0, "custom": {"input": "*** Begin\n"}}]},
        filled(1, "{}"),
        {"tool_calls": [{"index": 2, "id": "t3", "type": "custom", "custom": {"name": "apply", "input": ""}}]},
        {},
    ]
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
def test_a_huge_delta_is_cut_into_events_under_a_mebibyte(kind: type[TextDelta] | type[ReasoningDelta]) -> None:
    text = "\x01ü😀" * PIECE
    data = renderer().feed([kind(0, text), *end()])
    assert max(map(len, data.split(b"\n\n"))) < 1024 * 1024
    key = "content" if kind is TextDelta else "reasoning_content"
    assert "".join(delta.get(key, "") for delta in deltas(chunks(data))) == text


def test_huge_arguments_are_cut_too() -> None:
    arguments = json.dumps({"a": "x" * (2 * PIECE)})
    data = renderer().feed([ToolUseStarted(0, "t", "f"), ToolArguments(0, arguments), PartEnded(0), *end()])
    calls = [call for delta in deltas(chunks(data)) for call in delta.get("tool_calls", ())]
    assert "".join(call["function"]["arguments"] for call in calls) == arguments


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5))
def test_any_text_arrives_as_it_is(pieces: list[str]) -> None:
    data = renderer().feed([*(TextDelta(0, piece) for piece in pieces), *end()])
    assert [delta["content"] for delta in deltas(chunks(data))[1:-1]] == pieces


def test_an_error_is_the_last_word() -> None:
    stream = renderer()
    begun = stream.feed([ToolUseStarted(0, "t", "f"), ToolArguments(0, '{"a"')])
    failure = failure_of(ToolUseTruncated("The answer stopped inside a tool call."))
    ended = ENVELOPE.event(failure, "req_1")
    assert b"[DONE]" not in begun + ended
    assert b'"finish_reason":"' not in begun + ended
    assert ended.startswith(b"data: ")
    assert json.loads(ended[6:])["error"]["code"] == "upstream_incomplete_tool_call"
    assert not stream.finished
