import json
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.spoken_corpus import GENUINE, LONG, LOOK_ALIKES, OFFER, PARIS, number_of_calls, outside, text_of

from cwproxy.filters.spoken_calls import MAX_CALLS, Call, SpokenCalls

Said: TypeAlias = str | Call


def recogniser() -> SpokenCalls:
    return SpokenCalls(OFFER.notation, OFFER.call)


def said(*pieces: str) -> list[Said]:
    """What the answer is in the end: its text, and then its calls."""
    spoken = recogniser()
    text = "".join(map(spoken.feed, pieces)) + spoken.flush()
    return [*([text] if text else []), *spoken.take()]


def cut(text: str, places: list[int]) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *sorted(place % (len(text) + 1) for place in places), None])]


@pytest.mark.parametrize("answer", GENUINE)
def test_genuine_calls_are_found_and_the_rest_is_kept(answer: str) -> None:
    items = said(text_of(answer))
    calls = [item for item in items if isinstance(item, Call)]
    assert [item for item in items if isinstance(item, str)] == outside(answer)
    assert len(calls) == number_of_calls(answer) > 0
    for call in calls:
        assert isinstance(json.loads(call.arguments), dict)
        assert call.arguments in answer or "arguments" in answer
        assert call.name in answer or call.name == LONG


@pytest.mark.parametrize("answer", LOOK_ALIKES)
def test_look_alikes_are_text(answer: str) -> None:
    assert said(answer) == ([answer] if answer else [])
    assert said(*answer) == ([answer] if answer else [])


def test_calls_in_their_order() -> None:
    assert said(
        f'So.\nTool call: get_weather({PARIS})\n[Called now with args: {{ }}] [Tool call: Bash({{"command": ""}})]\n'
    ) == [
        "So.\n",
        Call("get_weather", PARIS),
        Call("now", "{ }"),
        Call("Bash", '{"command": ""}'),
    ]


@pytest.mark.parametrize("answer", [text_of(answer) for answer in GENUINE] + list(LOOK_ALIKES))
def test_one_character_at_a_time_is_the_same(answer: str) -> None:
    assert said(*answer) == said(answer)


_PARTS = st.sampled_from(
    [
        *(text_of(answer) for answer in GENUINE),
        *LOOK_ALIKES,
        *(
            "\n",
            " ",
            "\n\n",
            "```\n",
            "`",
            '"',
            "So:\n",
            "Result: 1",
            "\ttab\n",
            "é",
            " " * 1_001,
            "\n" * 1_001,
            "Tool ",
        ),
    ]
)


@given(st.lists(_PARTS, max_size=6).map("".join), st.lists(st.integers(0, 10_000), max_size=12))
@example(" " * 1_001 + "\nTool call: now({})", [1_001])
@example("Tool call: now({})" + "\n" * 1_001 + "Result: 1", [1_018, 1_019])
def test_however_an_answer_is_cut_the_result_is_the_same(text: str, places: list[int]) -> None:
    whole = said(text)
    assert said(*cut(text, places)) == whole
    shown = whole[0] if whole and isinstance(whole[0], str) else ""
    assert text.startswith(shown)
    if not any(isinstance(item, Call) for item in whole):
        assert shown == text


@given(_PARTS, _PARTS.filter(str.strip))
def test_calls_before_anything_else_are_text(before: str, after: str) -> None:
    """Whatever comes later can only take calls away."""
    alone = [item for item in said(before) if isinstance(item, Call)]
    later = said(before + "\n\nSo it was.\n\n" + after)
    assert not alone or later == [before + "\n\nSo it was.\n\n" + after]


@given(st.text(alphabet="abc \n.:-*#", max_size=200).map(lambda text: "x" + text))
def test_text_without_the_beginning_of_a_call_is_never_held_back(text: str) -> None:
    spoken = recogniser()
    for character in text:
        assert spoken.feed(character) == character
    assert spoken.flush() == ""


@pytest.mark.parametrize(
    ("before", "held"),
    [
        ("So.", "\nTool call: get_we"),
        ("So.", '\n[Called get_weather with args: {"city": "Pa'),
        ("So.", "\n<tool_c"),
    ],
)
def test_only_what_may_become_a_call_is_held_back(before: str, held: str) -> None:
    spoken = recogniser()
    assert spoken.feed(before + held) == before + "\n"
    assert spoken.feed("\x00") == held[1:] + "\x00"


def test_a_text_is_let_go_as_soon_as_it_cannot_become_a_call() -> None:
    spoken = recogniser()
    assert spoken.feed("Tool call: get_") == ""
    assert spoken.feed("x") == "Tool call: get_x"
    spoken = recogniser()
    assert spoken.feed('[Called get_weather with args: {"city": ') == ""
    assert spoken.feed("P") == '[Called get_weather with args: {"city": P'
    spoken = recogniser()
    assert spoken.feed("\n\nTool call: now({})") == ""
    assert spoken.feed("\n") == ""
    assert spoken.feed("R") == "\n\nTool call: now({})\nR"
    assert spoken.feed("\nTool call: now({})") == "\nTool call: now({})"


def test_another_text_goes_on_where_the_last_one_ended() -> None:
    for first, calls in (("```\n", 0), ("The log says:", 0), ("I look it up.", 1), ("", 1)):
        spoken = recogniser()
        assert spoken.feed(first) + spoken.flush() == first
        assert spoken.feed("Tool call: now({})") + spoken.flush() == ("" if calls else "Tool call: now({})")
        assert len(spoken.take()) == calls


def test_calls_are_given_back_as_text() -> None:
    spoken = recogniser()
    text = " Tool call: now({})\nTool call: now({})\n"
    assert spoken.feed(text) + spoken.flush() == ""
    assert spoken.release() == text
    assert spoken.feed(text) + spoken.flush() == text
    assert spoken.calls == []


def test_there_is_an_end_to_calls() -> None:
    line = "Tool call: now({})\n"
    assert said(line * MAX_CALLS) == [Call("now", "{}")] * MAX_CALLS
    assert said(line * (MAX_CALLS + 1)) == [line * (MAX_CALLS + 1)]
