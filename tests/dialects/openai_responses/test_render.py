"""Streams, every event read back with OpenAI's own types (compatibility.md 2.1, hit list 32)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.replies import CALLS, TABLE, TEXT, THOUGHT, USAGE, end
from tests.support.response_events import accumulated, events

from cwproxy.dialects.openai_responses import Frame, Renderer, Shape
from cwproxy.dialects.openai_responses.complete import complete
from cwproxy.dialects.openai_responses.render import PIECE
from cwproxy.inbound.failures import Failure
from cwproxy.reply import (
    PartEnded,
    ReasoningDelta,
    ReasoningStarted,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    fold,
)

ECHO: dict[str, object] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
SHOWN = Shape(summary=True, encrypted=True, echo=ECHO)
SHAPES = {
    "shown": SHOWN,
    "hidden": Shape(echo=ECHO),
    "mute": Shape(calls=False, echo=ECHO),
    "custom": Shape(custom=frozenset({"f", "h"}), names={"g": ("space", "inner")}, echo=ECHO),
}
FAILURE = Failure(502, "Cut.", "upstream_error", "upstream_truncated")


def frame(shape: Shape = SHOWN) -> Frame:
    return Frame("resp_1", 100, 'm "x"', shape)


def renderer(shape: Shape = SHOWN) -> Renderer:
    return Renderer(frame(shape), clock=lambda: 107.5)


def streamed(said: list[ReplyEvent], shape: Shape = SHOWN) -> dict[str, Any]:
    return accumulated(events(renderer(shape).feed(said)))


def kinds(said: list[ReplyEvent], shape: Shape = SHOWN) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(renderer(shape).feed(said))]


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_stream_adds_up_to_the_whole_response(said: list[ReplyEvent], shape: Shape) -> None:
    target = renderer(shape)
    response = accumulated(events(target.feed(said)))
    assert response == json.loads(complete(fold(said), frame(shape), completed=107))
    assert response == json.loads(target.whole)


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_batches_of_any_size_make_the_same_stream(said: list[ReplyEvent]) -> None:
    target = renderer()
    pieces = [target.feed([event]) for event in said]
    assert b"".join(pieces) == renderer().feed(said)
    assert target.finished
    assert target.usage == USAGE


def test_the_order_of_a_message() -> None:
    assert kinds(TABLE["text"]) == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done", "content_part.done"),
        *("output_item.done", "completed"),
    ]


def test_the_order_of_a_call() -> None:
    said: list[ReplyEvent] = [ToolUseStarted(0, "t1", "f"), ToolArguments(0, "{}"), PartEnded(0), *end()]
    call = ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"]
    assert kinds(said)[2:-1] == call
    custom = ["output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"]
    assert kinds(said, SHAPES["custom"])[2:-1] == custom


def test_the_order_of_a_thought() -> None:
    assert kinds(THOUGHT + end())[2:-1] == [
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
    ]
    assert kinds(THOUGHT + end(), SHAPES["hidden"])[2:-1] == ["output_item.added", "output_item.done"]


def test_a_thought_in_pieces_is_one_part() -> None:
    said: list[ReplyEvent] = [ReasoningStarted(0), ReasoningDelta(0, "a"), ReasoningDelta(0, "b"), PartEnded(0), *end()]
    assert streamed(said)["output"][0]["summary"] == [{"type": "summary_text", "text": "ab"}]


def test_a_thought_without_words() -> None:
    said: list[ReplyEvent] = [ReasoningStarted(0), PartEnded(0), *end()]
    assert streamed(said)["output"][0]["summary"] == []


def test_a_call_without_arguments_has_an_empty_object() -> None:
    said: list[ReplyEvent] = [ToolUseStarted(0, "t1", "f"), PartEnded(0), *end()]
    assert streamed(said)["output"][0]["arguments"] == "{}"


def test_what_a_custom_tool_is_given_is_unwrapped() -> None:
    pieces: list[ReplyEvent] = [ToolArguments(0, '{"inp'), ToolArguments(0, 'ut":"*** Begin"}')]
    (call,) = streamed([ToolUseStarted(0, "t1", "f"), *pieces, PartEnded(0), *end()], SHAPES["custom"])["output"]
    assert (call["type"], call["call_id"], call["name"], call["input"]) == ("custom_tool_call", "t1", "f", "*** Begin")
    assert call["id"].startswith("ctc_")


def test_a_call_tells_its_namespace() -> None:
    calls = streamed(CALLS + end(), SHAPES["custom"])["output"]
    assert [(call["name"], call.get("namespace")) for call in calls] == [("f", None), ("inner", "space"), ("h", None)]


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("text", "completed", None),
        ("calls that interleave", "completed", None),
        ("stop sequence", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("window", "incomplete", "max_output_tokens"),
        ("filtered", "incomplete", "content_filter"),
    ],
)
def test_the_end(name: str, status: str, reason: str | None) -> None:
    response = streamed(TABLE[name])
    assert response["status"] == status
    assert response["incomplete_details"] == (reason and {"reason": reason})
    assert response["completed_at"] == (107 if reason is None else None)


@pytest.mark.parametrize("name", ["length", "window", "filtered"])
def test_a_message_that_was_cut_says_so(name: str) -> None:
    said = TABLE[name]
    assert streamed(said)["output"][-1]["status"] == "incomplete"
    target = renderer()
    found = events(b"".join(target.feed([event]) for event in said))
    done = [event["item"]["status"] for event in found if event["type"] == "response.output_item.done"]
    assert done[-1] == "incomplete"


def test_what_follows_a_text_shows_that_it_was_not_cut() -> None:
    text: list[ReplyEvent] = [TextStarted(0), TextDelta(0, "a"), PartEnded(0)]
    call: list[ReplyEvent] = [ToolUseStarted(1, "t1", "f"), ToolArguments(1, "{}"), PartEnded(1)]
    response = streamed([*text, *call, *end(StopReason.MAX_TOKENS)])
    assert [item["status"] for item in response["output"]] == ["completed", "completed"]
    target = renderer()
    found = events(target.feed(text) + target.failed(FAILURE))
    assert [event["item"]["status"] for event in found if event["type"] == "response.output_item.done"] == ["completed"]
    assert found[-1]["response"]["output"][0]["status"] == "completed"


def test_arguments_of_a_call_that_is_not_shown_are_not_either() -> None:
    said: list[ReplyEvent] = [ToolUseStarted(0, "t1", "f"), ToolArguments(0, "{}"), PartEnded(0), *end()]
    assert kinds(said, SHAPES["mute"]) == ["created", "in_progress", "completed"]


def test_usage() -> None:
    usage = streamed(TABLE["text"])["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (12, 5, 17)
    assert usage["input_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 2}
    assert streamed(end()[1:])["usage"]["total_tokens"] == 0


@pytest.mark.parametrize("before", [[], TEXT[:2], TEXT], ids=["nothing", "a begun message", "a whole message"])
def test_a_failure_is_a_pair_with_the_real_sentence(before: list[ReplyEvent]) -> None:
    target = renderer()
    data = target.feed(before) if before else b""
    found = events(data + target.failed(FAILURE))
    error, last = found[-2:]
    assert found[0]["type"] == "response.created"
    assert (error["type"], error["code"], error["message"]) == ("error", "upstream_truncated", "Cut.")
    assert error["error"] == {
        "type": "upstream_error",
        "code": "upstream_truncated",
        "message": "Cut.",
        "param": None,
    }
    response = accumulated(found)
    assert (last["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"] == {"code": "server_error", "message": "Cut."}
    assert len(response["output"]) == (before == TEXT)


def test_codex_is_told_when_there_is_no_room() -> None:
    failure = Failure(400, "Too long.", "invalid_request_error", "context_length_exceeded")
    assert b'"error":{"code":"context_length_exceeded","message":"Too long."}' in renderer().failed(failure)


@pytest.mark.parametrize(
    ("code", "said"), [("rate_limit_exceeded", "Slow. Please try again in 7s."), ("other", "Slow.")]
)
def test_who_is_told_to_wait_is_told_how_long(code: str, said: str) -> None:
    headers = (("x-should-retry", "true"), ("retry-after", "7"))
    error, last = events(renderer().failed(Failure(429, "Slow.", "rate_limit_error", code, headers=headers)))[-2:]
    assert (error["message"], last["response"]["error"]["message"]) == (said, said)


def test_long_pieces_are_cut() -> None:
    long = "\x01" * (2 * PIECE + 1)
    said: list[ReplyEvent] = [
        *(TextStarted(0), TextDelta(0, long), PartEnded(0)),
        *(ReasoningStarted(1), ReasoningDelta(1, long), PartEnded(1)),
        *(ToolUseStarted(2, "t", "f"), ToolArguments(2, long), PartEnded(2)),
    ]
    found = events(renderer().feed(said))
    deltas = [event["delta"] for event in found if event["type"].endswith(".delta")]
    assert [len(delta) for delta in deltas] == [PIECE, PIECE, 1] * 3


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_text_survives(texts: list[str]) -> None:
    said: list[ReplyEvent] = [TextStarted(0), *(TextDelta(0, text) for text in texts), PartEnded(0), *end()]
    assert streamed(said)["output"][0]["content"][0]["text"] == "".join(texts)


def test_ids_are_the_same_from_beginning_to_end_and_unlike() -> None:
    output = streamed(TABLE["reasoning"])["output"]
    assert [item["id"] for item in output] == ["rs_10000", "msg_10001"]


def test_a_filtered_answer_is_incomplete() -> None:
    assert kinds(TEXT + end(StopReason.CONTENT_FILTER))[-1] == "incomplete"
