import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.accounts.sources.moments import parse, written


@pytest.mark.parametrize(
    "value",
    [
        "2025-06-15T15:06:40Z",
        "2025-06-15T15:06:40.000Z",
        "2025-06-15T15:06:40.000000000Z",
        "2025-06-15T17:06:40+02:00",
        "2025-06-15T15:06:40",
        " 2025-06-15 15:06:40 ",
        1_750_000_000,
        1_750_000_000.0,
        1_750_000_000_000,
        "1750000000",
        "1750000000000",
    ],
)
def test_every_notation_of_one_moment(value: object) -> None:
    assert parse(value) == 1_750_000_000


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "NaN",
        "Infinity",
        math.nan,
        math.inf,
        -1,
        0,
        True,
        [],
        {},
        "Invalid Date",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_moment(value: object) -> None:
    assert parse(value) is None


def test_the_notation_stays() -> None:
    assert written(1_750_000_000.25, 1) == 1_750_000_000
    assert written(1_750_000_000.25, 1_750_000_000_000) == 1_750_000_000_250
    for like in ("2025-06-15T15:06:40Z", None, True, math.nan):
        assert written(1_750_000_000.25, like) == "2025-06-15T15:06:40.250Z"


@given(st.floats(1e9, 4e9), st.sampled_from(["x", 1, 1e12, None]))
def test_what_is_written_can_be_read(moment: float, like: object) -> None:
    read = parse(written(moment, like))
    assert read is not None
    assert abs(read - moment) <= 1


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans()))
def test_nothing_is_too_strange(value: object) -> None:
    moment = parse(value)
    assert moment is None or math.isfinite(moment)
