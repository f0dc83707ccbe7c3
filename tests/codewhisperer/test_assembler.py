import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer.assembler import Assembler
from cwproxy.codewhisperer.events import Ignored, UpstreamEvent
from cwproxy.codewhisperer.wire import (
    AssistantResponsePayload,
    ContextUsagePayload,
    MessageMetadataPayload,
    MetadataPayload,
    MeteringPayload,
    ReasoningPayload,
    TokenUsage,
    ToolUsePayload,
)
from cwproxy.errors import EmptyReply, StreamTruncated, ToolUseTruncated
from cwproxy.reply import (
    PartEnded,
    ReasoningPart,
    RedactedPart,
    Reply,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextPart,
    TextStarted,
    ToolArguments,
    ToolUsePart,
    ToolUseStarted,
    Usage,
    fold,
)

END = MetadataPayload(stop_reason="END_TURN")
METER = MeteringPayload(0.5, "credit")
METADATA = MessageMetadataPayload("c", "u")


def text(content: str | None) -> AssistantResponsePayload:
    return AssistantResponsePayload(content)


def tool(
    fragment: object = None, *, stop: bool = False, id: str | None = "t1", name: str | None = "read"
) -> ToolUsePayload:
    return ToolUsePayload(id, name, fragment, stop or None)


def assembler(**options: bool) -> Assembler:
    return Assembler({"short": "the.client's name"}, input_tokens=11, window=1_000, **options)


def events(stream: Iterable[UpstreamEvent], target: Assembler | None = None) -> list[ReplyEvent]:
    target = target or assembler()
    said = [event for given in stream for event in target.feed(given)]
    return [*said, *target.finish()]


def reply(*stream: UpstreamEvent, target: Assembler | None = None) -> Reply:
    return fold(events(stream, target))


def test_text_is_one_part_that_ends_with_the_stop_reason() -> None:
    said = events([METADATA, text("Hel"), text(""), text(None), text("lo"), END])
    assert said[:4] == [TextStarted(0), TextDelta(0, "Hel"), TextDelta(0, "lo"), PartEnded(0)]
    assert isinstance(said[4], Usage)
    assert len(said) == 6


def test_repeated_texts_are_all_passed_on() -> None:
    assert reply(text("\n"), text("\n"), text("same"), text("same"), METER).parts == (TextPart("\n\nsamesame"),)


def test_a_tool_call_is_passed_on_piece_by_piece_under_the_clients_name() -> None:
    said = events(
        [text("Wait"), tool(name="short"), tool('{"a', name="short"), tool('":1}', name="short"), tool(stop=True)]
    )
    assert said[2:7] == [
        PartEnded(0),
        ToolUseStarted(1, "t1", "the.client's name"),
        ToolArguments(1, '{"a'),
        ToolArguments(1, '":1}'),
        PartEnded(1),
    ]


def test_a_tool_nobody_offered_keeps_its_name() -> None:
    assert reply(tool("{}", name="dummy"), tool(stop=True)).parts == (ToolUsePart("t1", "dummy", "{}"),)


@pytest.mark.parametrize(
    ("stream", "arguments"),
    [
        ([tool(), tool(stop=True)], "{}"),
        ([tool(""), tool(""), tool(stop=True)], "{}"),
        ([tool("  \n"), tool(stop=True)], "{}"),
        ([tool(stop=True)], "{}"),
        ([tool({}), tool(stop=True)], "{}"),
        ([tool({}), tool('{"a":1}'), tool(stop=True)], '{"a":1}'),
        ([tool({"a": [1]}), tool(stop=True)], '{"a":[1]}'),
        ([tool({"a": 1}), tool({"a": 1}), tool(stop=True)], '{"a":1}'),
        ([tool({"a": 1}), tool("x"), tool("", stop=True)], '{"a":1}'),
        ([tool('{"a":1'), tool("}", stop=True)], '{"a":1}'),
        ([tool('{"a":1}'), tool({"b": 2}), tool(stop=True)], '{"a":1}'),
        ([tool("not json"), tool(stop=True)], "not json"),
        ([tool(' {"a": '), tool(" 1}"), tool(stop=True)], '{"a":  1}'),
    ],
)
def test_arguments_in_every_shape_seen(stream: list[UpstreamEvent], arguments: str) -> None:
    assert reply(*stream).parts == (ToolUsePart("t1", "read", arguments),)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.text(max_size=9), max_size=4),
    st.lists(st.integers(0, 200)),
    st.booleans(),
)
def test_any_split_gives_the_same_arguments(arguments: dict[str, int | str], cuts: list[int], escaped: bool) -> None:
    document = json.dumps(arguments, ensure_ascii=escaped)
    places = sorted({0, len(document), *(cut % (len(document) + 1) for cut in cuts)})
    fragments = [document[start:end] for start, end in zip(places, places[1:], strict=False)]
    (part,) = reply(tool(), *map(tool, fragments), tool(stop=True)).parts
    assert part == ToolUsePart("t1", "read", document)


def test_interleaved_calls_are_kept_apart_in_order_of_appearance() -> None:
    parts = reply(
        tool(id="a", name="x"),
        tool(id="b", name="y"),
        tool("[1", id="a"),
        tool("[2", id="b"),
        text("!"),
        tool("]", id="b"),
        tool(stop=True, id="b"),
        tool("]", id="a"),
        tool(stop=True, id="a"),
        METER,
    ).parts
    assert parts == (ToolUsePart("a", "x", "[1]"), ToolUsePart("b", "y", "[2]"), TextPart("!"))


def test_an_id_used_again_after_its_stop_is_another_call() -> None:
    long = "i" * 64
    stream = [(tool("{}", id=key), tool(stop=True, id=key)) for key in ("t", "t", "t", long, long, "")]
    parts = reply(*[event for call in stream for event in call]).parts
    ids = [part.id for part in parts if isinstance(part, ToolUsePart)]
    assert ids == ["t", "t_2", "t_3", long, "i" * 62 + "_2", "tooluse_1"]


def test_two_calls_without_any_id_are_told_apart() -> None:
    parts = reply(tool(id=None), tool(stop=True, id=None), tool(id=None), tool(stop=True, id=None)).parts
    assert [part.id for part in parts if isinstance(part, ToolUsePart)] == ["tooluse_1", "tooluse_2"]


def test_a_fragment_without_start_or_name_is_ignored_and_counted() -> None:
    target = assembler()
    stray = [tool("x", name=None), tool(stop=True, name=None)]
    assert reply(*stray, text("Hi"), END, target=target).parts == (TextPart("Hi"),)
    assert target.ignored["toolUseEvent"] == 2


def test_a_second_stop_is_ignored() -> None:
    target = assembler()
    assert len(reply(tool("{}"), tool(stop=True), tool(stop=True), target=target).parts) == 1
    assert target.ignored["toolUseEvent"] == 1


def test_reasoning_is_a_part_of_its_own_with_its_signature() -> None:
    parts = reply(
        ReasoningPayload("Let me"),
        ReasoningPayload(" see"),
        ReasoningPayload(signature="c2ln"),
        ReasoningPayload(signature="bmE="),
        text("So"),
        ReasoningPayload("Hm"),
        tool(),
        tool(stop=True),
    ).parts
    assert parts == (
        ReasoningPart("Let me see", "c2lnbmE="),
        TextPart("So"),
        ReasoningPart("Hm", ""),
        ToolUsePart("t1", "read", "{}"),
    )


def test_redacted_reasoning_is_a_part_of_its_own_and_is_not_nothing() -> None:
    assert reply(ReasoningPayload(redacted_content="AAAA"), METER).parts == (RedactedPart("AAAA"),)
    parts = reply(
        ReasoningPayload(text="Hm"),
        ReasoningPayload(redacted_content="AAAA"),
        ReasoningPayload(redacted_content="BBBB", text="Well", signature="c2ln"),
        METER,
    ).parts
    assert parts == (
        ReasoningPart("Hm", ""),
        RedactedPart("AAAA"),
        RedactedPart("BBBB"),
        ReasoningPart("Well", "c2ln"),
    )


@pytest.mark.parametrize(
    "stream",
    [
        [text("Hi"), END],
        [text("Hi"), METER],
        [text("Hi"), ContextUsagePayload(3.0)],
        [text("Hi"), MetadataPayload(TokenUsage(1, 1))],
        [tool("{}"), tool(stop=True)],
        [tool("{}"), tool(stop=True), text("and")],
        [END],
    ],
)
def test_these_streams_are_whole(stream: list[UpstreamEvent]) -> None:
    reply(*stream)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        ([], EmptyReply),
        ([METADATA], EmptyReply),
        ([METER], EmptyReply),
        ([ContextUsagePayload(3.0), METER], EmptyReply),
        ([text("")], EmptyReply),
        ([tool("x", name=None)], EmptyReply),
        ([text("Hi")], StreamTruncated),
        ([ContextUsagePayload(3.0), text("Hi")], StreamTruncated),
        ([ReasoningPayload("Hm")], StreamTruncated),
        ([tool()], ToolUseTruncated),
        ([tool('{"a":1}')], ToolUseTruncated),
        ([tool('{"a":1}'), END, METER], ToolUseTruncated),
        ([tool("{}"), tool(stop=True), tool(id="t2")], ToolUseTruncated),
    ],
)
def test_these_streams_are_not(stream: list[UpstreamEvent], error: type[Exception]) -> None:
    target = assembler()
    for event in stream:
        target.feed(event)
    with pytest.raises(error) as failure:
        target.finish()
    assert type(failure.value) is error


@pytest.mark.parametrize(
    ("stream", "whole"),
    [
        ([], False),
        ([text("Hi")], False),
        ([METER], False),
        ([END], True),
        ([text("Hi"), END], True),
        ([text("Hi"), METER, ContextUsagePayload(3.0)], True),
        ([text("Hi"), ContextUsagePayload(3.0)], True),
        ([text("Hi"), ContextUsagePayload(3.0), text("!")], False),
        ([tool("{}"), tool(stop=True)], False),
        ([tool("{}"), tool(stop=True), ContextUsagePayload(3.0)], True),
        ([tool("{}"), END], False),
        ([tool("{}"), END, tool(stop=True)], True),
        ([tool("{}"), tool(stop=True), text("and")], False),
        ([tool("{}"), tool(stop=True), tool(id="t2")], False),
    ],
)
def test_what_an_answer_says_of_its_own_end(stream: list[UpstreamEvent], whole: bool) -> None:
    """Without an orderly end of the stream nothing else tells, whatever the account usually sends."""
    for expects_trailer in (True, False):
        target = assembler(expects_trailer=expects_trailer)
        for event in stream:
            target.feed(event)
        assert target.whole is whole


def test_an_account_without_trailers_may_end_after_text_but_not_in_a_call() -> None:
    target = assembler(expects_trailer=False)
    assert reply(text("Hi"), target=target).parts == (TextPart("Hi"),)
    assert not target.saw_trailer
    target = assembler(expects_trailer=False)
    target.feed(tool())
    with pytest.raises(ToolUseTruncated):
        target.finish()


def test_a_trailer_is_noticed() -> None:
    target = assembler()
    reply(text("Hi"), METER, target=target)
    assert target.saw_trailer


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("END_TURN", StopReason.END_TURN),
        ("TOOL_USE", StopReason.END_TURN),
        ("MAX_TOKENS", StopReason.MAX_TOKENS),
        ("CONTENT_FILTERED", StopReason.CONTENT_FILTER),
        ("MODEL_CONTEXT_WINDOW_EXCEEDED", StopReason.CONTEXT_WINDOW),
        ("PAUSE_TURN", StopReason.END_TURN),
        ("SOMETHING_NEW", StopReason.END_TURN),
    ],
)
def test_the_stop_reason_is_believed_where_it_says_more(stop_reason: str, reason: StopReason) -> None:
    assert reply(text("Hi"), MetadataPayload(stop_reason=stop_reason)).reason is reason


@pytest.mark.parametrize("stop_reason", ["END_TURN", "MAX_TOKENS", None])
def test_a_call_is_the_reason_whatever_the_service_says(stop_reason: str | None) -> None:
    assert reply(tool(), tool(stop=True), MetadataPayload(stop_reason=stop_reason)).reason is StopReason.TOOL_USE


@pytest.mark.parametrize("end", [END, METER])
def test_content_after_the_end_is_dropped_and_counted(end: UpstreamEvent) -> None:
    target = assembler()
    late: list[UpstreamEvent] = [text("more"), ReasoningPayload("hm"), tool(), text("x")]
    assert reply(text("Hi"), end, *late, target=target).parts == (TextPart("Hi"),)
    assert target.ignored["(late)"] == 4


def test_the_rest_of_an_open_call_is_not_late() -> None:
    assert reply(tool(), END, tool("{}"), tool(stop=True)).parts == (ToolUsePart("t1", "read", "{}"),)


def test_ignored_events_are_counted_by_type() -> None:
    target = assembler()
    reply(Ignored("news"), Ignored("news"), Ignored("codeEvent", known=True), text("Hi"), END, target=target)
    assert target.ignored == {"news": 2, "codeEvent": 1}


def test_usage_as_the_backend_counts_it() -> None:
    counted = TokenUsage(100, 20, 135, cache_read_input_tokens=10, cache_write_input_tokens=5)
    usage = reply(ReasoningPayload("Hm"), text("Hi"), METER, METER, MetadataPayload(counted)).usage
    assert usage == Usage(115, 20, "backend", 10, 5, reasoning_tokens=1, credits=1.0)


def test_usage_from_the_context_meter_which_counts_the_output_too() -> None:
    usage = reply(text("Hi"), ContextUsagePayload(25.0), MeteringPayload()).usage
    assert usage == Usage(249, 1, "context")
    tiny = reply(text("word " * 50), ContextUsagePayload(0.1), METER).usage
    assert tiny.input_tokens == 1


@pytest.mark.parametrize("percentage", [None, 0.0, -1.0, 1e9, 1e308])
def test_usage_is_an_estimate_without_a_meter(percentage: float | None) -> None:
    usage = reply(text("Hi"), ContextUsagePayload(percentage), MetadataPayload(TokenUsage(5))).usage
    assert usage == Usage(11, 1, "estimate")


def test_usage_is_an_estimate_without_a_window() -> None:
    target = Assembler({}, input_tokens=11, window=None)
    assert reply(text("Hi"), ContextUsagePayload(25.0), target=target).usage.source == "estimate"


def test_a_call_alone_has_output_tokens() -> None:
    assert reply(tool(), tool(stop=True)).usage.output_tokens > 0
    assert reply(END).usage.output_tokens == 0


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_a_hundred_thousand_tiny_events_cost_linear_time() -> None:
    stream = [text("a")] * 100_000
    (part,) = reply(*stream, END).parts
    assert part == TextPart("a" * 100_000)


def test_negative_counts_are_none() -> None:
    usage = reply(text("Hi"), MetadataPayload(TokenUsage(-5, 7), "END_TURN")).usage
    assert usage == Usage(11, 1, "estimate")


@pytest.mark.timeout(30)  # many times what it takes; quadratic, it would take longer
def test_an_id_that_comes_again_and_again_costs_linear_time() -> None:
    parts = reply(*[tool("{}", stop=True)] * 20_000).parts
    assert len({part.id for part in parts if isinstance(part, ToolUsePart)}) == 20_000
