import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.filters.document import JsonDocument


def run(pieces: list[str], *, arrays: bool = False) -> str:
    document = JsonDocument(arrays=arrays)
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
    ],
)
def test_the_document_is_taken_out(text: str, expected: str) -> None:
    assert run([text]) == expected
    assert run(list(text)) == expected


def test_arrays_where_they_are_allowed() -> None:
    assert run(["Sure: [1, {", '"a":"]"}] done'], arrays=True) == '[1, {"a":"]"}]'


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
