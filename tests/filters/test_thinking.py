"""Reasoning in tags, however the text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.filters import Demands, Filters
from cwproxy.filters.thinking import ThinkingTags
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    ReasoningStarted,
    Reply,
    ReplyEvent,
    ReplyPart,
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

END: list[ReplyEvent] = [Usage(1, 1, "estimate"), Finished(StopReason.END_TURN)]


def spoken(*pieces: str, index: int = 0) -> list[ReplyEvent]:
    return [TextStarted(index), *(TextDelta(index, piece) for piece in pieces), PartEnded(index)]


def parts(events: list[ReplyEvent]) -> tuple[ReplyPart, ...]:
    return reply([*events, *END]).parts


def reply(events: list[ReplyEvent]) -> Reply:
    """One token a character."""
    tags = ThinkingTags(lambda text: float(len(text)))
    return fold([out for event in events for out in tags.feed([event])])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", (TextPart("plain"),)),
        ("  plain", (TextPart("  plain"),)),
        ("<thinking>hm</thinking>Yes", (ReasoningPart("hm", ""), TextPart("Yes"))),
        (
            "\n<thinking>\nhm </b>\n</thinking>\n\nYes <thinking>x",
            (ReasoningPart("hm </b>\n", ""), TextPart("Yes <thinking>x")),
        ),
        ("<thinking>hm</thinking>\n", (ReasoningPart("hm", ""),)),
        ("<thinking></thinking>a", (ReasoningPart("", ""), TextPart("a"))),
        ("<thinking>never closed </think", (ReasoningPart("never closed </think", ""),)),
        ("<think>no</think>", (TextPart("<think>no</think>"),)),
        ("<thinki", (TextPart("<thinki"),)),
        (" ", (TextPart(" "),)),
        ("The tag <thinking>x</thinking>", (TextPart("The tag <thinking>x</thinking>"),)),
    ],
)
def test_however_it_is_cut(text: str, expected: tuple[ReplyPart, ...]) -> None:
    for size in range(1, len(text) + 1):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        assert parts(spoken(*pieces)) == expected, size


def test_an_empty_text_stays() -> None:
    assert parts(spoken()) == (TextPart(""),)


def test_other_parts_keep_their_order() -> None:
    events: list[ReplyEvent] = [
        ReasoningStarted(0),
        ReasoningDelta(0, "native"),
        ReasoningSignature(0, "sig"),
        PartEnded(0),
        *spoken("<thinking>a</thinking>b", index=1),
        ToolUseStarted(2, "t", "f"),
        ToolArguments(2, "{}"),
        PartEnded(2),
        *spoken("<thinking>c</thinking>", index=3),
    ]
    assert parts(events) == (
        ReasoningPart("native", "sig"),
        ReasoningPart("a", ""),
        TextPart("b"),
        ToolUsePart("t", "f", "{}"),
        TextPart("<thinking>c</thinking>"),
    )


@pytest.mark.parametrize(
    ("text", "native", "output", "counted"),
    [
        ("<thinking>12345</thinking>Yes", 0, 40, 5),
        ("<thinking>12345</thinking>Yes", 3, 40, 8),
        ("<thinking>12345</thinking>Yes", 0, 4, 4),
        ("<thinking>123 </thin", 0, 40, 10),
        ("<thinking></thinking>Yes", 0, 40, 0),
        ("Yes", 7, 40, 7),
    ],
)
def test_what_was_thought_is_counted_as_reasoning(text: str, native: int, output: int, counted: int) -> None:
    for size in (1, 4, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        usage = Usage(1, output, "context", reasoning_tokens=native, credits=0.5)
        end: list[ReplyEvent] = [usage, Finished(StopReason.END_TURN)]
        expected = Usage(1, output, "context", reasoning_tokens=counted, credits=0.5)
        assert reply([*spoken(*pieces), *end]).usage == expected


def test_the_least_thought_is_a_token() -> None:
    tags = ThinkingTags(lambda text: len(text) / 10)
    (usage,) = tags.feed([*spoken("<thinking>a</thinking>b"), Usage(1, 9, "estimate")])[-1:]
    assert usage == Usage(1, 9, "estimate", reasoning_tokens=1)


def test_it_is_the_first_of_the_filters() -> None:
    assert Demands(thinking_tags=True)
    filters = Filters(Demands(stop=("END",), thinking_tags=True), len)
    out = filters.feed(spoken("<thinking>END</thinking>one END two"))
    assert fold([*out, *END]).parts == (ReasoningPart("END", ""), TextPart("one "))
    assert filters.ended is StopReason.STOP_SEQUENCE


@given(st.lists(st.sampled_from(["<thin", "king>", "</thi", "nking>", "a", "\n", "<", ">", "</thinking>"]), max_size=9))
def test_random_cuts_change_nothing(pieces: list[str]) -> None:
    assert parts(spoken(*pieces)) == parts(spoken("".join(pieces)) if "".join(pieces) else spoken())
