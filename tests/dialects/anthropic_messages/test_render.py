"""Streams, every event read back with Anthropic's own types (compatibility.md 2.2, hit list 5, 33)."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.anthropic_events import accumulated, events
from tests.support.replies import CALLS, TABLE, TEXT, THOUGHT, USAGE, end

from cwproxy.dialects.anthropic_messages import Renderer, Shape, complete
from cwproxy.dialects.anthropic_messages.render import PIECE
from cwproxy.reply import (
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    Searched,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    fold,
)

SHOWN = Shape(thinking="shown")


def renderer(shape: Shape = SHOWN) -> Renderer:
    return Renderer(id="msg_1", model='m "x"', input_tokens=9, shape=shape)


def streamed(said: list[ReplyEvent], shape: Shape = SHOWN) -> dict[str, Any]:
    return accumulated(events(renderer(shape).feed(said)))


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
@pytest.mark.parametrize(
    "shape", [SHOWN, Shape(), Shape(thinking="omitted"), Shape(calls=False)], ids=["shown", "hidden", "omitted", "mute"]
)
def test_the_stream_adds_up_to_the_whole_message(said: list[ReplyEvent], shape: Shape) -> None:
    assert streamed(said, shape) == json.loads(complete(fold(said), id="msg_1", model='m "x"', shape=shape))


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_batches_of_any_size_make_the_same_stream(said: list[ReplyEvent]) -> None:
    target = renderer()
    pieces = [target.feed([event]) for event in said]
    assert b"".join(pieces) == renderer().feed(said)
    assert target.finished
    assert target.usage == USAGE


def test_the_start_has_an_estimate_and_a_ping_follows() -> None:
    data = renderer().feed(TEXT[:1])
    start = events(data)[0]["message"]
    assert (start["usage"]["input_tokens"], start["usage"]["output_tokens"]) == (9, 0)
    assert (start["content"], start["stop_reason"]) == ([], None)
    assert data.split(b"\n\n")[1] == b'event: ping\ndata: {"type":"ping"}'


def test_usage_is_told_at_the_end() -> None:
    usage = streamed(TABLE["text"])["usage"]
    assert usage["input_tokens"] == 7
    assert (usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]) == (3, 2)
    assert usage["output_tokens_details"] == {"thinking_tokens": 1}


def test_without_usage_nothing_is_claimed() -> None:
    assert streamed(end()[1:])["usage"]["output_tokens"] == 0


def test_one_signature_stands_before_the_end_of_its_block() -> None:
    kinds = [event.get("delta", {}).get("type", event["type"]) for event in events(renderer().feed([*THOUGHT, *end()]))]
    assert kinds[1:5] == ["content_block_start", "thinking_delta", "signature_delta", "content_block_stop"]


def test_a_thought_without_a_signature_has_none() -> None:
    said: list[ReplyEvent] = [ReasoningStarted(0), ReasoningDelta(0, "hm"), PartEnded(0), *end()]
    assert streamed(said)["content"] == [{"type": "thinking", "thinking": "hm", "signature": ""}]


def test_calls_that_interleave_come_one_after_the_other() -> None:
    content = streamed(CALLS + end(StopReason.TOOL_USE))["content"]
    assert [(block["id"], block["input"]) for block in content] == [("t1", {"a": 1}), ("t2", {"b": 2}), ("t3", {})]


def test_what_is_said_of_the_open_block_is_not_held_back() -> None:
    target = renderer()
    target.feed(CALLS[:2])
    assert b'partial_json":"{\\"a\\":"' in target.feed(CALLS[2:3])
    assert target.feed(CALLS[3:4]) == b""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text", "end_turn"),
        ("calls that interleave", "tool_use"),
        ("a call said to be the end of the turn", "tool_use"),
        ("length", "max_tokens"),
        ("length after a call", "max_tokens"),
        ("stop sequence", "stop_sequence"),
        ("filtered", "refusal"),
        ("window", "model_context_window_exceeded"),
    ],
)
def test_the_end(name: str, reason: str) -> None:
    message = streamed(TABLE[name])
    assert message["stop_reason"] == reason
    assert message["stop_sequence"] == ("END" if reason == "stop_sequence" else None)


def test_a_call_that_is_not_wanted_is_not_the_end_either() -> None:
    message = streamed(CALLS + end(StopReason.TOOL_USE), Shape(calls=False))
    assert (message["content"], message["stop_reason"]) == ([], "end_turn")


def test_long_pieces_are_cut() -> None:
    arguments = json.dumps({"a": "x" * PIECE})
    said: list[ReplyEvent] = [
        *(ReasoningStarted(0), ReasoningDelta(0, "y" * PIECE + "z"), PartEnded(0)),
        *(TextStarted(1), TextDelta(1, "ü" * (2 * PIECE + 1)), PartEnded(1)),
        *(ToolUseStarted(2, "t", "f"), ToolArguments(2, arguments), PartEnded(2)),
    ]
    found = events(renderer().feed([*said, *end()]))
    assert len([event for event in found if event["type"] == "content_block_delta"]) == 2 + 3 + 2
    assert accumulated(found)["content"][2]["input"] == json.loads(arguments)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5))
def test_any_text_arrives_as_it_is(pieces: list[str]) -> None:
    said: list[ReplyEvent] = [TextStarted(0), *(TextDelta(0, piece) for piece in pieces), PartEnded(0), *end()]
    assert streamed(said)["content"][0]["text"] == "".join(pieces)


@st.composite
def interleaved(draw: st.DrawFn) -> list[ReplyEvent]:
    """A reply whose parts are said in any order, each one's own kept; they are numbered as they begin."""
    kinds = draw(st.lists(st.sampled_from(["text", "thought", "call", "redacted", "search"]), max_size=5))
    turns = draw(st.permutations([part for part, kind in enumerate(kinds) for _ in _part(kind, 0)]))
    numbers = {part: number for number, part in enumerate(dict.fromkeys(turns))}
    waiting = {part: iter(_part(kinds[part], number)) for part, number in numbers.items()}
    return [*(next(waiting[part]) for part in turns), *end()]


def _part(kind: str, index: int) -> list[ReplyEvent]:
    match kind:
        case "text":
            return [TextStarted(index), TextDelta(index, "a"), TextDelta(index, "b"), PartEnded(index)]
        case "thought":
            said: list[ReplyEvent] = [ReasoningDelta(index, "hm"), ReasoningSignature(index, "c2ln")]
            return [ReasoningStarted(index), *said, PartEnded(index)]
        case "call":
            return [ToolUseStarted(index, f"t{index}", "f"), ToolArguments(index, '{"a":1}'), PartEnded(index)]
        case "redacted":
            return [ReasoningRedacted(index, "AAAA"), PartEnded(index)]
        case _:
            return [Searched(index, f"s{index}", "q", ()), PartEnded(index)]


@given(interleaved(), st.integers(1, 4), st.sampled_from(["hidden", "shown", "omitted"]), st.booleans())
def test_any_interleaving_in_any_batches_adds_up(
    said: list[ReplyEvent], size: int, thinking: Literal["hidden", "shown", "omitted"], calls: bool
) -> None:
    shape = Shape(calls=calls, thinking=thinking)
    target = renderer(shape)
    data = b"".join(target.feed(said[at : at + size]) for at in range(0, len(said), size))
    assert accumulated(events(data)) == json.loads(complete(fold(said), id="msg_1", model='m "x"', shape=shape))
