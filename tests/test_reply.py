"""However the parts of an answer interleave, folding gives the same answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.reply import (
    Finished,
    Folder,
    Found,
    PartEnded,
    ReasoningDelta,
    ReasoningPart,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    RedactedPart,
    Reply,
    ReplyEvent,
    ReplyPart,
    Searched,
    SearchPart,
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

USAGE = Usage(10, 20, "backend", cache_read_tokens=3, credits=0.5)

pieces = st.lists(st.text(min_size=1, max_size=10), max_size=5)


@st.composite
def parts(draw: st.DrawFn, index: int) -> tuple[ReplyPart, list[ReplyEvent]]:
    """A part, and the events that say it."""
    said = draw(pieces)
    text = "".join(said)
    match draw(st.sampled_from(["text", "reasoning", "redacted", "search", "tool use"])):
        case "text":
            deltas: list[ReplyEvent] = [TextDelta(index, piece) for piece in said]
            return TextPart(text), [TextStarted(index), *deltas, PartEnded(index)]
        case "reasoning":
            signed = draw(pieces)
            thoughts = [ReasoningDelta(index, piece) for piece in said]
            signatures = [ReasoningSignature(index, piece) for piece in signed]
            whole = ReasoningPart(text, "".join(signed))
            return whole, [ReasoningStarted(index), *thoughts, *signatures, PartEnded(index)]
        case "redacted":
            return RedactedPart(text), [ReasoningRedacted(index, text), PartEnded(index)]
        case "search":
            found = (Found("One", "https://e.x/"),)
            return SearchPart("s", text, found), [Searched(index, "s", text, found), PartEnded(index)]
        case _:
            name = draw(st.text(max_size=5))
            arguments = [ToolArguments(index, piece) for piece in said]
            whole_use = ToolUsePart(f"call_{index}", name, text)
            return whole_use, [ToolUseStarted(index, f"call_{index}", name), *arguments, PartEnded(index)]


@st.composite
def replies(draw: st.DrawFn) -> tuple[Reply, list[ReplyEvent]]:
    """An answer, and its events in some order that keeps each part's own."""
    drawn = [draw(parts(index)) for index in range(draw(st.integers(0, 4)))]
    whose_turn = draw(st.permutations([index for index, (_, said) in enumerate(drawn) for _ in said]))
    waiting = [iter(said) for _, said in drawn]
    reason = draw(st.sampled_from(StopReason))
    events: list[ReplyEvent] = [next(waiting[index]) for index in whose_turn]
    return Reply(tuple(part for part, _ in drawn), USAGE, reason), [*events, USAGE, Finished(reason)]


@given(replies())
def test_any_interleaving_folds_to_the_parts_in_order(reply_and_events: tuple[Reply, list[ReplyEvent]]) -> None:
    reply, events = reply_and_events
    assert fold(events) == reply


@given(replies(), st.integers(1, 5))
def test_batches_of_any_size_fold_alike(reply_and_events: tuple[Reply, list[ReplyEvent]], size: int) -> None:
    reply, events = reply_and_events
    folder = Folder()
    for at in range(0, len(events), size):
        assert folder.reply is None
        folder.feed(events[at : at + size])
    assert folder.reply == reply


@given(replies())
def test_events_without_the_end_are_no_reply(reply_and_events: tuple[Reply, list[ReplyEvent]]) -> None:
    _, events = reply_and_events
    with pytest.raises(ValueError, match="the reply has no end"):
        fold(events[:-1])


def test_no_events_are_no_reply() -> None:
    with pytest.raises(ValueError, match="the reply has no end"):
        fold([])


def test_without_usage_nothing_is_claimed() -> None:
    reply = fold([TextStarted(0), TextDelta(0, "Hi"), PartEnded(0), Finished(StopReason.END_TURN)])
    assert reply == Reply((TextPart("Hi"),), Usage(0, 0, "estimate"), StopReason.END_TURN)


def test_a_part_that_says_nothing_is_still_a_part() -> None:
    reply = fold([ToolUseStarted(0, "call_0", "now"), PartEnded(0), USAGE, Finished(StopReason.TOOL_USE)])
    assert reply.parts == (ToolUsePart("call_0", "now", ""),)
