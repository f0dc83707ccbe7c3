from types import EllipsisType

from hypothesis import given
from hypothesis import strategies as st
from tests.support.spoken_corpus import GENUINE, LOOK_ALIKES, OFFER, PARIS, outside, text_of

from cwproxy.filters import Demands, Filters
from cwproxy.filters.buffered import PIECE, CallsInText, Gathered, Whole
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningStarted,
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

USAGE = Usage(1, 1, "estimate")
CALL = f"Tool call: get_weather({PARIS})"


def spoken(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [TextStarted(index), *(TextDelta(index, piece) for piece in pieces), PartEnded(index)]


def thought(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [ReasoningStarted(index), *(ReasoningDelta(index, piece) for piece in pieces), PartEnded(index)]


def called(index: int = 0) -> list[ReplyEvent]:
    return [ToolUseStarted(index, f"t{index}", "f"), ToolArguments(index, "{}"), PartEnded(index)]


def end(reason: StopReason = StopReason.END_TURN) -> list[ReplyEvent]:
    return [USAGE, Finished(reason)]


def passed(events: list[ReplyEvent]) -> list[ReplyEvent]:
    calls = CallsInText(OFFER)
    return [out for event in events for out in calls.feed([event])]


def test_without_calls_nothing_changes() -> None:
    events = thought("hm") + spoken("a", "b", index=1) + called(2) + spoken(index=3) + called(4) + end()
    assert passed(events) == events


def call(index: int, number: int = 1) -> list[ReplyEvent]:
    return [
        ToolUseStarted(index, f"tooluse_seed{number}", "get_weather"),
        ToolArguments(index, PARIS),
        PartEnded(index),
    ]


def test_calls_are_parts_of_their_own() -> None:
    events = thought("hm") + spoken("So.\n", CALL, "\n\n", CALL, index=1) + end()
    assert passed(events) == [
        *thought("hm"),
        *spoken("So.\n", index=1),
        *call(2),
        *call(3, 2),
        *[USAGE, Finished(StopReason.TOOL_USE)],
    ]


def test_what_follows_is_held_back_until_the_answer_has_ended() -> None:
    calls = CallsInText(OFFER)
    assert calls.feed(spoken(CALL, "\n")) == []
    assert calls.feed(called(1) + thought("hm", index=2) + spoken(" ", index=3) + [USAGE]) == []
    assert calls.feed([Finished(StopReason.TOOL_USE)]) == [
        *call(0),
        *[ToolUseStarted(1, "t1", "f"), ToolArguments(1, "{}"), PartEnded(1)],
        *thought("hm", index=2),
        *spoken(" ", index=3),
        *[USAGE, Finished(StopReason.TOOL_USE)],
    ]


def test_a_call_is_text_when_more_is_said_in_another_part() -> None:
    events = spoken("So.\n", CALL, "\n") + called(1) + spoken("I did not ", "run it.", index=2) + spoken(CALL, index=3)
    out = passed(events + end())
    assert out == [
        *[TextStarted(0), TextDelta(0, "So.\n"), TextDelta(0, CALL + "\n"), PartEnded(0)],
        *events[len(spoken("", "", "")) :],
        *end(),
    ]


def test_a_call_at_which_the_answer_was_cut_is_text() -> None:
    for reason in (StopReason.MAX_TOKENS, StopReason.CONTENT_FILTER, StopReason.CONTEXT_WINDOW):
        assert passed(spoken(CALL) + end(reason)) == spoken(CALL) + end(reason)


def test_a_text_that_is_a_call_leaves_no_text() -> None:
    reply = fold(passed(spoken("") + spoken(f"{CALL}\n{CALL}", index=1) + end()))
    assert [type(part) for part in reply.parts] == [TextPart, ToolUsePart, ToolUsePart]
    assert len({part.id for part in reply.parts if isinstance(part, ToolUsePart)}) == 2


def test_the_reason_stays_unless_the_turn_had_ended() -> None:
    assert passed(spoken(CALL) + end())[-1] == Finished(StopReason.TOOL_USE)
    assert passed(spoken("x") + end(StopReason.MAX_TOKENS))[-1] == Finished(StopReason.MAX_TOKENS)
    assert passed(spoken("x") + end(StopReason.TOOL_USE))[-1] == Finished(StopReason.TOOL_USE)


def test_neighbouring_pieces_become_one() -> None:
    gathered = Gathered()
    assert gathered.feed([TextStarted(0), TextDelta(0, "a"), TextDelta(0, "b")]) == [TextStarted(0)]
    assert gathered.feed([ReasoningDelta(1, "c")]) == [TextDelta(0, "ab")]
    assert gathered.feed([ReasoningDelta(2, "d"), PartEnded(2)]) == [
        *[ReasoningDelta(1, "c"), ReasoningDelta(2, "d"), PartEnded(2)]
    ]
    assert gathered.feed([TextDelta(3, "x" * PIECE)]) == [TextDelta(3, "x" * PIECE)]
    assert gathered.feed([USAGE]) == [USAGE]


def test_nothing_comes_before_the_end() -> None:
    whole = Whole()
    assert whole.feed(spoken("a"), over=False) == []
    assert whole.feed([], over=False) == []
    assert whole.feed(end(), over=False) == spoken("a") + end()
    cut = Whole()
    assert cut.feed([], over=False) == []
    assert cut.feed(spoken("a"), over=True) == spoken("a")


def in_one(demands: Demands, events: list[ReplyEvent]) -> tuple[list[ReplyEvent], Filters]:
    filters = Filters(demands, len)
    return [out for event in events for out in filters.feed([event])], filters


def test_the_whole_answer_is_what_would_have_been_streamed() -> None:
    for answer in (*map(text_of, GENUINE), *LOOK_ALIKES):
        events = spoken(*answer) + called(1) + end()
        full, _ = in_one(Demands(spoken=OFFER, whole=True), events)
        streamed, _ = in_one(Demands(spoken=OFFER), events)
        assert fold(full) == fold(streamed)


def test_a_whole_answer_that_is_cut_is_given_out_at_once() -> None:
    out, filters = in_one(Demands(stop=("END",), whole=True), spoken("a", "END", "b" * PIECE))
    assert out == spoken("a")
    assert filters.ended is StopReason.STOP_SEQUENCE


def test_other_demands_see_calls_as_calls() -> None:
    events = spoken(f"{CALL}\n{CALL}\n") + end()
    out, filters = in_one(Demands(spoken=OFFER, one_call=True), events)
    assert [event for event in out if isinstance(event, ToolUseStarted)] == [
        ToolUseStarted(0, "tooluse_seed1", "get_weather")
    ]
    assert filters.ended is StopReason.TOOL_USE
    assert fold(in_one(Demands(spoken=OFFER, json="object", stop=("Paris",)), spoken(CALL) + end())[0]).parts == (
        ToolUsePart("tooluse_seed1", "get_weather", PARIS),
    )


@given(st.sampled_from(GENUINE), st.lists(st.integers(0, 500), max_size=5), st.booleans())
def test_text_beside_the_calls_is_kept(answer: str, cuts: list[int], whole: bool) -> None:
    text = text_of(answer)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:stop] for start, stop in zip(places, places[1:], strict=False) if start < stop]
    reply = fold(in_one(Demands(spoken=OFFER, whole=whole), spoken(*pieces) + end())[0])
    assert [part.text for part in reply.parts if isinstance(part, TextPart)] == outside(answer)
    assert reply.reason is StopReason.TOOL_USE


_TEXTS = st.sampled_from([*map(text_of, GENUINE), *LOOK_ALIKES, " ", "\n", "So it is.\n", "The log says:\n"])


@given(
    st.lists(_TEXTS | st.sampled_from([None, ...]), max_size=5),
    st.sampled_from([StopReason.END_TURN, StopReason.TOOL_USE, StopReason.MAX_TOKENS]),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_no_text_is_lost_and_every_part_is_ended(
    parts: list[str | EllipsisType | None], reason: StopReason, sizes: list[int]
) -> None:
    """None is a call of the model's, `...` a thought."""
    events: list[ReplyEvent] = []
    for index, part in enumerate(parts):
        if part is None:
            events += called(index)
        elif part is ...:
            events += thought("hm", index=index)
        else:
            size = sizes[index % len(sizes)]
            events += spoken(*(part[at : at + size] for at in range(0, len(part), size)), index=index)
    out = passed(events + end(reason))
    given_text = "".join(part for part in parts if isinstance(part, str))
    text = "".join(event.text for event in out if isinstance(event, TextDelta))
    calls = [event for event in out if isinstance(event, ToolUseStarted)]
    found = len(calls) - parts.count(None)
    assert text == given_text if found == 0 else given_text.startswith(text.rstrip())
    assert found == 0 or reason is not StopReason.MAX_TOKENS
    begun = [event.index for event in out if isinstance(event, TextStarted | ReasoningStarted | ToolUseStarted)]
    assert begun == sorted(set(begun))
    assert sorted(event.index for event in out if isinstance(event, PartEnded)) == begun
    assert isinstance(out[-1], Finished)
    assert out.count(USAGE) == 1
