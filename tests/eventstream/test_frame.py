"""The values of a frame check themselves."""

from collections.abc import Callable

import pytest

from cwproxy.eventstream import Frame, Int8, Int16, Int32, Int64, Timestamp, Uuid

INTEGERS = [(Int8, 8), (Int16, 16), (Int32, 32), (Int64, 64), (Timestamp, 64)]


@pytest.mark.parametrize(("make", "bits"), INTEGERS)
def test_integers_hold_what_their_width_holds(make: Callable[[int], object], bits: int) -> None:
    limit = 1 << (bits - 1)
    for value in (-limit, -1, 0, limit - 1):
        assert make(value) == make(value)
    for value in (-limit - 1, limit):
        with pytest.raises(ValueError, match=f"signed integer of {bits} bits"):
            make(value)


def test_values_of_different_types_are_different() -> None:
    assert len({Int8(1), Int16(1), Int32(1), Int64(1), Timestamp(1)}) == 5


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_uuid_has_sixteen_bytes(length: int) -> None:
    with pytest.raises(ValueError, match=f"16 bytes, not {length}"):
        Uuid(bytes(length))


def test_frames_are_values() -> None:
    frame = Frame({"a": "b"}, b"c")
    assert frame == Frame({"a": "b"}, b"c")
    assert frame != Frame({"a": "b"}, b"d")
    with pytest.raises(AttributeError):
        frame.payload = b""  # type: ignore[misc] # the point of the test
