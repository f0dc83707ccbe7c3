import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.filters.jsonobject import MAX_DEPTH, MAX_TOKEN_LENGTH, JsonObject, Progress

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text(), _VALUES, max_size=4)


def read(*pieces: str) -> tuple[Progress, int]:
    """How far the text was read, in characters."""
    document = JsonObject()
    done = 0
    for piece in pieces:
        end = document.feed(piece, 0)
        done += end
        if end < len(piece):
            break
    return document.progress, done


@given(_OBJECTS, st.booleans(), st.sampled_from([None, 2]), st.text(max_size=3))
def test_every_object_is_read_to_its_end(
    value: dict[str, object], ascii_only: bool, indent: int | None, more: str
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for pieces in ([text + more], list(text)):
        assert read(*pieces) == (Progress.WHOLE, len(text))
    for end in range(len(text)):
        assert read(text[:end]) == (Progress.OPEN, end)


@given(st.text(alphabet='{}[]:,"\\ \nntrue1.-e0u', max_size=12).map(lambda text: "{" + text))
def test_what_is_taken_is_json_and_pieces_make_no_difference(text: str) -> None:
    progress, end = read(text)
    assert read(*text)[0] is progress
    if progress is Progress.WHOLE:
        assert isinstance(json.loads(text[:end]), dict)
    elif progress is Progress.BROKEN:
        with pytest.raises(ValueError, match="."):
            json.loads(text)


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        ("[1]", 0),
        ('  "a"', 2),
        ("{a", 1),
        ("{]", 1),
        ("{,", 1),
        ('{"a",', 4),
        ('{"a":}', 5),
        ('{"a":[,', 6),
        ('{"a":1]', 6),
        ('{"a":1,}', 7),
        ('{"a":[1,]', 8),
        ('{"a":"\n', 6),
        ('{"a":"\\x', 7),
        ('{"a":"\\u12g', 10),
        ('{"a":01}', 5),
        ('{"a":1.}', 5),
        ('{"a":-}', 5),
        ('{"a":tru}', 5),
        ('{"a":trueish', 5),
        ('{"a":1' + "0" * MAX_TOKEN_LENGTH, 5),
        ('{"a":' + "[" * MAX_DEPTH, 4 + MAX_DEPTH),
    ],
)
def test_the_place_where_it_stops_being_json(text: str, breaks: int) -> None:
    assert read(text) == (Progress.BROKEN, breaks)
