import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.filters.document import MAX_ATTEMPTS, JsonDocument, Kind


def run(pieces: list[str], kind: Kind = "object") -> str:
    document = JsonDocument(kind)
    return "".join(document.feed(piece) for piece in pieces) + document.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1}', '{"a":1}'),
        ('Here it is:\n```json\n{"a": {"b": [1, 2]}}\n```\nAnything else?', '{"a": {"b": [1, 2]}}'),
        ('{"a":"} \\" {"} trailing', '{"a":"} \\" {"}'),
        ('{"a":"\\\\"}x', '{"a":"\\\\"}'),
        ("I cannot answer that.", "I cannot answer that."),
        ('[1] {"a":1}', '{"a":1}'),
        ('{"cut": "off', '{"cut": "off'),
        ('{"cu', '{"cu'),
        ('Sure [as requested], here it is:\n{"city":"Rome"}', '{"city":"Rome"}'),
        ('The set {x} is: {"a":1}', '{"a":1}'),
        ('The set {} is: {"a":1}', '{"a":1}'),
        ('The pair {"a": x} is {{{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ('As {"{"a": 1}', '{"a": 1}'),
        ("I can't do that [sorry] because {of reasons}.", "I can't do that [sorry] because {of reasons}."),
        ("Here it is: {}", "{}"),
        ("```json\n{ }\n```\n", "{ }"),
        ("A set is {}.", "A set is {}."),
        ("It is: {} in JSON.", "It is: {} in JSON."),
        ('{"a": 1, so}', '{"a": 1, so}'),
        ("{" * 10 + '{"a":1}', '{"a":1}'),
        ("{" * (MAX_ATTEMPTS + 1) + '"a":1}', "{" * (MAX_ATTEMPTS + 1) + '"a":1}'),
    ],
)
def test_the_document_is_taken_out(text: str, expected: str) -> None:
    assert run([text]) == expected
    assert run(list(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Sure: [1, {"a":"]"}] done', '[1, {"a":"]"}]'),
        ('[{"a":1}]', '[{"a":1}]'),
        ('["a", "b"]', '["a", "b"]'),
        ('Here:\n["a"]', '["a"]'),
        ("[1] says no.\n[2] too.", "[1] says no.\n[2] too."),
        ("I can't do that [sorry] because …", "I can't do that [sorry] because …"),
        ('As noted [1, 2]: ["a","b"]', '["a","b"]'),
        ("[[a]] b", "[[a]] b"),
        ("```\n[]\n```", "[]"),
        ("42", "42"),
    ],
)
def test_arrays_where_they_are_wanted(text: str, expected: str) -> None:
    for kind in ("array", "any"):
        assert run([text], kind) == expected
        assert run(list(text), kind) == expected
    assert run(['{"a":1} [1, 2]'], "array") == '{"a":1} [1, 2]'
    assert run(['[sorry] {"a":1}'], "any") == '{"a":1}'


def test_nothing_is_held_back_once_the_document_has_begun() -> None:
    document = JsonDocument("object")
    assert [document.feed(piece) for piece in ('Here: {"a"', ":", " ", '"', "b", '"', "}", "x")] == [
        *["", "", "", '{"a": "', "b", '"', "}", ""]
    ]
    assert document.flush() == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text(), JSON), escape=st.booleans(), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_any_document_in_any_pieces_comes_out_whole(value: object, escape: bool, cuts: list[int]) -> None:
    document = json.dumps(value, ensure_ascii=escape)
    text = f"Here:\n```json\n{document}\n```\n"
    places = [0, *sorted(cut % len(text) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in zip(places, places[1:], strict=False)]
    assert run(pieces) == document


_PIECES = ("Sure [as said] ", "{x} ", "{", "[", "{} ", '"quoted" ', "a: ", '{"a": so} ', "\n", "[1] ", "é")
_PROSE = st.sampled_from(_PIECES)


@given(
    before=st.lists(_PROSE, max_size=8).map("".join),
    value=st.dictionaries(st.text(), JSON, min_size=1),
    cuts=st.lists(st.integers(0, 200), max_size=8),
)
def test_prose_with_brackets_is_no_document(before: str, value: object, cuts: list[int]) -> None:
    document = json.dumps(value)
    text = f"{before}\n{document}\nSo {{it}} is."
    places = [0, *sorted(cut % len(text) for cut in cuts), len(text)]
    assert run([text[start:end] for start, end in pairwise(places)]) == document


@given(before=st.lists(_PROSE, max_size=8).map("".join), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_an_answer_without_a_document_is_given_out_as_it_is(before: str, cuts: list[int]) -> None:
    text = before + "No."
    places = [0, *sorted(cut % len(text) for cut in cuts), len(text)]
    assert run([text[start:end] for start, end in pairwise(places)]) in (text, "{}")
