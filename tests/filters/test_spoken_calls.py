import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.spoken_corpus import GENUINE, LONG, LOOK_ALIKES, OFFER, PARIS, number_of_calls, outside, text_of

from cwproxy.filters.spoken_calls import MAX_CALLS, MAX_CANDIDATES, Call, Said, SpokenCalls


def recogniser() -> SpokenCalls:
    return SpokenCalls(OFFER.notation, OFFER.call)


def said(*pieces: str) -> list[Said]:
    """What comes out in the end, neighbouring texts as one."""
    spoken = recogniser()
    out: list[Said] = []
    for item in [each for piece in pieces for each in spoken.feed(piece)] + spoken.flush():
        assert item != ""
        if out and isinstance(item, str) and isinstance(out[-1], str):
            out[-1] += item
        else:
            out.append(item)
    return out


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
        f'a\nTool call: get_weather({PARIS})\n[Called now with args: {{ }}] [Tool call: Bash({{"command": ""}})]\nb'
    ) == [
        "a\n",
        Call("get_weather", PARIS),
        Call("now", "{ }"),
        Call("Bash", '{"command": ""}'),
        "\nb",
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
@example("x" * 8_190 + "\nTool call: now({})", [])
def test_however_an_answer_is_cut_the_result_is_the_same(text: str, places: list[int]) -> None:
    whole = said(text)
    assert said(*cut(text, places)) == whole
    left = text
    for item in whole:  # texts and calls stand there in this order, and the texts whole
        piece = item if isinstance(item, str) else item.name
        at = left.find(piece) if isinstance(item, str) else 0
        assert at != -1
        left = left[at + len(piece) * isinstance(item, str) :]


@given(st.text(alphabet="abc \n.:-*#", max_size=200).map(lambda text: "x" + text))
def test_text_without_the_beginning_of_a_call_is_never_held_back(text: str) -> None:
    spoken = recogniser()
    for character in text:
        assert spoken.feed(character) == [character]
    assert spoken.flush() == []


@pytest.mark.parametrize(
    ("before", "held"),
    [
        ("x", "\nTool call: get_we"),
        ("x", '\n[Called get_weather with args: {"city": "Pa'),
        ("x", "\n<tool_c"),
    ],
)
def test_only_what_may_become_a_call_is_held_back(before: str, held: str) -> None:
    spoken = recogniser()
    assert spoken.feed(before + held) == [before + "\n"]
    assert spoken.feed("\x00") == [held[1:] + "\x00"]


def test_a_text_is_let_go_as_soon_as_it_cannot_become_a_call() -> None:
    spoken = recogniser()
    assert spoken.feed("Tool call: get_") == []
    assert spoken.feed("x") == ["Tool call: get_x"]
    assert spoken.feed('\n[Called get_weather with args: {"city": ') == ["\n"]
    assert spoken.feed("P") == ['[Called get_weather with args: {"city": P']
    assert spoken.feed("\nTool call: now({})") == ["\n"]
    assert spoken.feed("\n") == []
    assert spoken.feed("R") == []
    assert spoken.feed("u") == [Call("now", "{}"), "\nRu"]


def test_after_the_end_another_text_begins() -> None:
    spoken = recogniser()
    assert spoken.feed("```\n") == ["```\n"]
    assert spoken.flush() == []
    assert [*spoken.feed("Tool call: now({})"), *spoken.flush()] == [Call("now", "{}")]


def test_there_is_an_end_to_calls_and_to_attempts() -> None:
    line = "Tool call: now({})\n"
    items = said(line * (MAX_CALLS + 2))
    assert len(items) == MAX_CALLS + 1
    assert items[-1] == "\n" + line * 2
    bad = "Tool call: get_weather({})\n"
    assert said(bad * MAX_CANDIDATES + line) == [bad * MAX_CANDIDATES + line]
