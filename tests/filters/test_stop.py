import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.filters.stop import StopSequences


def run(stops: list[str], pieces: list[str]) -> tuple[str, str | None]:
    stop = StopSequences(stops)
    out = "".join(stop.feed(piece) for piece in pieces)
    return out + stop.flush(), stop.matched


@pytest.mark.parametrize(
    ("stops", "text", "expected", "matched"),
    [
        (["END"], "one END two", "one ", "END"),
        (["END"], "one EN", "one EN", None),
        (["END"], "END", "", "END"),
        (["abcd", "c"], "abcx", "ab", "c"),
        (["abcd", "c"], "abcd", "", "abcd"),
        (["bc", "abc"], "xabc", "x", "abc"),
        (["a", "ab"], "ab", "", "a"),
        (["\n\n"], "a\nb\n\nc", "a\nb", "\n\n"),
        (["é"], "caf\u0065\u0301 é", "cafe\u0301 ", "é"),
        (["aab"], "aaaab", "aa", "aab"),
        ([""], "text", "text", None),
        ([], "text", "text", None),
    ],
)
def test_the_text_before_the_leftmost_stop(stops: list[str], text: str, expected: str, matched: str | None) -> None:
    assert run(stops, [text]) == (expected, matched)
    assert run(stops, list(text)) == (expected, matched)


def test_nothing_is_held_back_that_cannot_be_a_stop() -> None:
    stop = StopSequences(["STOP"])
    assert stop.feed("hello S") == "hello "
    assert stop.feed("un") == "Sun"
    assert stop.feed("STO") == ""
    assert stop.feed("P and on") == ""
    assert stop.matched == "STOP"
    assert stop.feed("more") == ""


@given(
    stops=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=4),
    pieces=st.lists(st.text("ab\n", max_size=6), max_size=12),
)
def test_every_split_gives_the_same(stops: list[str], pieces: list[str]) -> None:
    text = "".join(pieces)
    places = [at for stop in stops if (at := text.find(stop)) != -1]
    expected = text[: min(places)] if places else text
    out, matched = run(stops, pieces)
    assert out == expected
    assert (matched is None) == (not places)
