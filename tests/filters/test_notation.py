import pytest

from cwproxy.filters.jsonobject import Progress
from cwproxy.filters.notation import FIRST, Candidate, Form, Notation, Written

NOTATION = Notation(["f", "f2", "a b"])


def candidate(text: str) -> tuple[Candidate, int]:
    found = Candidate(NOTATION)
    return found, found.feed(text, 0)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Tool call: f({", Form("Tool call: f(", "f", ")")),
        ("[Tool call: f2(", Form("[Tool call: f2(", "f2", ")]")),
        ("[Called a b with args: {", Form("[Called a b with args:", "a b", "]")),
        ("<tool_use>{", Form("<tool_use>", None, "</tool_use>")),
        ("Tool call: f", True),
        ("", True),
        ("[", True),
        ("Tool call: f3(", False),
        ("<tool>", False),
        ("~", False),
    ],
)
def test_beginnings(text: str, form: Form | bool) -> None:
    assert NOTATION.begins(text) == form


def test_every_beginning_begins_with_one_of_the_first() -> None:
    assert {mark for mark in map(chr, range(0x2000)) if NOTATION.begins(mark)} == set(FIRST)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('Tool call: f( {"a": 1} )', Written("f", '{"a": 1}')),
        ("[Called f with args:\n{}\n]", Written("f", "{}")),
        ('<tool_call>{"name":"g","arguments":{"a":[1]}}</tool_call>', Written("g", '{"a":[1]}')),
        ('<tool_use>{"type":"tool_use","id":"x","input":"{}","name":"g"}</tool_use>', Written("g", '"{}"')),
        ('<tool_call>{"name":"\\ud800","arguments":{}}</tool_call>', None),
        ('<tool_call>{"name":"g"}</tool_call>', None),
        ('<tool_call>{"name":"g","args":{},"input":{}}</tool_call>', None),
        ('<tool_call>{"name":"g","args":{},"more":1}</tool_call>', None),
        ('<tool_call>{"name":"g","args":{},"type":"text"}</tool_call>', None),
        ('<tool_call>{"args":{}}</tool_call>', None),
    ],
)
def test_whole_calls(text: str, written: Written | None) -> None:
    for pieces in ([text], list(text)):
        found = Candidate(NOTATION)
        for piece in pieces:
            assert found.feed(piece, 0) == len(piece)
        assert found.progress is Progress.WHOLE
        assert (found.text, found.written()) == (text, written)


def test_it_stops_where_the_call_does() -> None:
    found, end = candidate("Tool call: f({}) and more")
    assert (found.progress, end) == (Progress.WHOLE, len("Tool call: f({})"))


@pytest.mark.parametrize(
    ("text", "end"),
    [("Tool call: g({})", 0), ("Tool call: f([])", 13), ("Tool call: f({}x", 15), ("<tool_call>{}</ tool_call>", 15)],
)
def test_it_stops_where_the_text_is_no_call_any_more(text: str, end: int) -> None:
    found, stopped = candidate(text)
    assert (found.progress, stopped) == (Progress.BROKEN, end)


def test_a_half_says_nothing() -> None:
    found, _ = candidate("Tool call: ")
    assert (found.progress, found.written()) == (Progress.OPEN, None)
