from hypothesis import example, given
from hypothesis import strategies as st

from cwproxy.codewhisperer.tokens import estimate, weigh
from cwproxy.filters import Demands, Filters
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    Searched,
    StopReason,
    TextDelta,
    TextPart,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
    fold,
)

END: list[ReplyEvent] = [Usage(1, 1, "estimate"), Finished(StopReason.END_TURN)]


def by_length(text: str) -> float:
    return float(len(text))


def spoken(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [TextStarted(index), *(TextDelta(index, piece) for piece in pieces), PartEnded(index)]


def thought(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [
        ReasoningStarted(index),
        *(ReasoningDelta(index, piece) for piece in pieces),
        ReasoningSignature(index, "sig"),
        PartEnded(index),
    ]


def called(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [ToolUseStarted(index, f"t{index}", "f"), *(ToolArguments(index, p) for p in pieces), PartEnded(index)]


def passed(demands: Demands, events: list[ReplyEvent]) -> tuple[Filters, list[ReplyEvent]]:
    filters = Filters(demands, by_length)
    out: list[ReplyEvent] = []
    for event in events:
        out += filters.feed([event])
    return filters, out


def test_without_demands_everything_passes() -> None:
    events = thought("hm") + spoken("a", "b", index=1) + called("{}", index=2) + END
    filters, out = passed(Demands(), events)
    assert out == events
    assert filters.ended is None
    assert not Demands()
    assert Demands(max_tokens=1)
    assert (filters.said, filters.thought) == ("abf{}", "hm")


def test_a_stop_string_ends_the_answer() -> None:
    filters, out = passed(Demands(stop=("END",)), spoken("one E", "ND two", "three") + END)
    assert out == spoken("one ")
    assert filters.ended is StopReason.STOP_SEQUENCE
    assert filters.stop_sequence == "END"
    assert filters.feed(spoken("late", index=1)) == []


def test_what_was_held_back_is_given_out_at_the_end_of_the_text() -> None:
    filters, out = passed(Demands(stop=("END",)), spoken("one EN") + END)
    assert out == [*spoken("one ", "EN"), *END]
    assert filters.ended is None
    filters, out = passed(Demands(stop=("abcd", "c")), spoken("xabc") + END)
    assert out == spoken("x", "ab")
    assert filters.stop_sequence == "c"


def test_stop_strings_are_not_looked_for_in_reasoning_and_arguments() -> None:
    events = thought("END") + called('{"a":"END"}', index=1) + spoken("fine", index=2) + END
    assert passed(Demands(stop=("END",)), events)[1] == events


def test_the_budget_cuts_the_text() -> None:
    filters, out = passed(Demands(max_tokens=5), spoken("abc", "defg", "h") + END)
    assert out == spoken("abc", "de")
    assert filters.ended is StopReason.MAX_TOKENS


def test_the_budget_cuts_reasoning() -> None:
    filters, out = passed(Demands(max_tokens=2), thought("abc", "d") + spoken("x", index=1) + END)
    assert out == [ReasoningStarted(0), ReasoningDelta(0, "ab"), PartEnded(0)]
    assert filters.ended is StopReason.MAX_TOKENS
    filters, out = passed(Demands(max_tokens=2), thought("ab", "d"))
    assert out[-1] == PartEnded(0)


def test_what_comes_whole_passes() -> None:
    events: list[ReplyEvent] = [ReasoningRedacted(0, "AAAA"), PartEnded(0), Searched(1, "s", "q", ()), PartEnded(1)]
    assert passed(Demands(max_tokens=1), events + END)[1] == events + END


def test_a_call_that_is_being_written_is_finished() -> None:
    filters, out = passed(Demands(max_tokens=4), called('{"a":', "1", "}") + called("{}", index=1) + END)
    assert out == called('{"a":', "1", "}")
    assert filters.ended is StopReason.MAX_TOKENS


def test_interleaved_calls_are_finished_and_new_parts_are_not_begun() -> None:
    events: list[ReplyEvent] = [
        *spoken("x"),
        ToolUseStarted(1, "t1", "f"),
        ToolUseStarted(2, "t2", "f"),
        ToolArguments(1, '{"a":1}'),
        ToolUseStarted(3, "t3", "f"),
        ToolArguments(3, "{}"),
        TextStarted(4),
        TextDelta(4, "late"),
        ReasoningStarted(5),
        ReasoningDelta(5, "late"),
        ReasoningSignature(5, "late"),
        ReasoningRedacted(6, "late"),
        PartEnded(6),
        PartEnded(1),
        PartEnded(3),
        ToolArguments(2, "{}"),
        PartEnded(2),
        *END,
    ]
    filters, out = passed(Demands(max_tokens=6), events)
    assert {event.index for event in out if not isinstance(event, Usage | Finished)} == {0, 1, 2}
    assert out[-1] == PartEnded(2)
    assert filters.ended is StopReason.MAX_TOKENS


def test_text_that_is_cut_while_a_call_is_open_is_ended_once() -> None:
    events: list[ReplyEvent] = [
        ToolUseStarted(0, "t", "f"),
        TextStarted(1),
        TextDelta(1, "abcdef"),
        TextDelta(1, "ghi"),
        PartEnded(1),
        ToolArguments(0, "{}"),
        PartEnded(0),
        *END,
    ]
    filters, out = passed(Demands(max_tokens=4), events)
    assert out.count(PartEnded(1)) == 1
    assert TextDelta(1, "abc") in out
    assert out[-1] == PartEnded(0)


def test_an_answer_of_one_call_ends_at_the_second() -> None:
    filters, out = passed(Demands(one_call=True), spoken("x") + called("{}", index=1) + called("{}", index=2) + END)
    assert out == spoken("x") + called("{}", index=1)
    assert filters.ended is StopReason.TOOL_USE
    filters, out = passed(Demands(one_call=True), called("{}") + END)
    assert (filters.ended, out) == (None, called("{}") + END)


def test_interleaved_with_the_second_call_the_first_is_finished() -> None:
    events: list[ReplyEvent] = [
        ToolUseStarted(0, "t0", "f"),
        ToolUseStarted(1, "t1", "f"),
        ToolArguments(1, "{}"),
        ToolArguments(0, "{}"),
        PartEnded(1),
        PartEnded(0),
        *END,
    ]
    filters, out = passed(Demands(one_call=True), events)
    assert out == called("{}")
    assert filters.ended is StopReason.TOOL_USE


def test_a_json_document_is_taken_out_of_its_wrapping() -> None:
    filters, out = passed(Demands(json="object"), spoken("Here:\n```json\n", '{"a":', "1}\n``", "`") + END)
    assert fold(out).parts == (TextPart('{"a":1}'),)
    assert filters.ended is None
    assert fold(passed(Demands(json="any"), spoken("[1, 2]!") + END)[1]).parts == (TextPart("[1, 2]"),)
    assert fold(passed(Demands(json="object"), spoken("I am ", "sorry.") + END)[1]).parts == (TextPart("I am sorry."),)


def test_stop_and_budget_apply_to_what_is_left() -> None:
    filters, out = passed(Demands(stop=("b",), max_tokens=100, json="object"), spoken('xx{"a":"b"}') + END)
    assert fold([*out, *END]).parts == (TextPart('{"a":"'),)
    assert filters.ended is StopReason.STOP_SEQUENCE


@example(text="DDDDDé\n", cuts=[6], stop=("\n", "aE"), limit=1)  # the limit comes before the stop
@given(
    text=st.text("abE N D\né漢", max_size=80),
    cuts=st.lists(st.integers(0, 80), max_size=10),
    stop=st.sampled_from([(), ("END",), ("\n", "aE"), ("漢",)]),
    limit=st.none() | st.integers(1, 30),
)
def test_however_the_text_is_cut_the_client_gets_the_same(
    text: str, cuts: list[int], stop: tuple[str, ...], limit: int | None
) -> None:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in zip(places, places[1:], strict=False) if start < end]
    results = []
    for parts in (pieces, [text] if text else [], list(text)):
        filters = Filters(Demands(stop=stop, max_tokens=limit), weigh)
        out = filters.feed([*spoken(*parts), *END])
        said = "".join(event.text for event in out if isinstance(event, TextDelta))
        assert filters.said == said
        results.append((said, filters.ended, filters.stop_sequence))
    assert results[0] == results[1] == results[2]
    if limit is not None:
        assert estimate(results[0][0]) <= limit


def test_what_began_beside_a_call_is_ended_with_it() -> None:
    events: list[ReplyEvent] = [
        ToolUseStarted(0, "t", "f"),
        TextStarted(1),
        TextDelta(1, "hello E"),
        ReasoningStarted(2),
        ReasoningDelta(2, "hm"),
    ]
    call: list[ReplyEvent] = [ToolArguments(0, "{" + " " * 100 + "}"), PartEnded(0)]
    closed: list[ReplyEvent] = [PartEnded(1), PartEnded(2)]
    rest: list[ReplyEvent] = [TextDelta(1, "ND"), *closed, *END]
    filters, out = passed(Demands(max_tokens=20), events + call + rest)
    assert out == events + call + closed
    assert filters.ended is StopReason.MAX_TOKENS
    filters, out = passed(Demands(one_call=True, stop=("END",)), events + called(index=3) + call + rest)
    assert out[-3:] == [TextDelta(1, "E"), *closed]
    assert filters.ended is StopReason.TOOL_USE


_KINDS = st.sampled_from(["text", "reasoning", "redacted", "call", "search"])


@st.composite
def interleavings(draw: st.DrawFn) -> list[ReplyEvent]:
    """Parts of any kinds, whose events come in any order."""
    parts: list[list[ReplyEvent]] = []
    for index, kind in enumerate(draw(st.lists(_KINDS, max_size=6))):
        pieces = draw(st.lists(st.text("aEND", min_size=1, max_size=6), max_size=3))
        match kind:
            case "text":
                parts.append(spoken(*pieces, index=index))
            case "reasoning":
                parts.append(thought(*pieces, index=index))
            case "call":
                parts.append(called(*pieces, index=index))
            case "redacted":
                parts.append([ReasoningRedacted(index, "AAAA"), PartEnded(index)])
            case _:
                parts.append([Searched(index, "s", "q", ()), PartEnded(index)])
    order = draw(st.permutations([index for index, part in enumerate(parts) for _ in part]))
    return [parts[index].pop(0) for index in order] + END


@given(
    interleavings(),
    st.builds(
        Demands,
        stop=st.sampled_from([(), ("END",)]),
        max_tokens=st.none() | st.integers(1, 30),
        one_call=st.booleans(),
    ),
)
def test_every_part_is_ended_once(events: list[ReplyEvent], demands: Demands) -> None:
    filters, out = passed(demands, events)
    open_parts: set[int] = set()
    for event in out:
        match event:
            case TextStarted() | ReasoningStarted() | ReasoningRedacted() | ToolUseStarted() | Searched():
                open_parts.add(event.index)
            case PartEnded(index=index):
                open_parts.remove(index)
            case Usage() | Finished():
                assert not open_parts
            case _:
                assert event.index in open_parts
    assert not open_parts
    assert (filters.ended is None) == (out[-1:] == END[-1:])
