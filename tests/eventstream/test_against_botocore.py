"""AWS's own Python decoder reads what our encoder writes, frame for frame as ours does."""

from typing import assert_never

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st
from tests.support.frames import CASES, Case, frames

from cwproxy.eventstream import Decoder, Frame, HeaderValue, Int8, Int16, Int32, Int64, Timestamp, Uuid, encode


def as_botocore_has_it(value: HeaderValue) -> bool | int | bytes | str:
    """botocore forgets the widths, and leaves times and UUIDs as the integer and the bytes that they are."""
    match value:
        case bool() | bytes() | str():
            return value
        case Int8() | Int16() | Int32() | Int64():
            return value.value
        case Timestamp():
            return value.milliseconds
        case Uuid():
            return value.octets
        case _:
            assert_never(value)


def compare(sent: list[Frame]) -> None:
    octets = b"".join(encode(frame.headers, frame.payload) for frame in sent)
    buffer = EventStreamBuffer()
    buffer.add_data(octets)
    theirs: list[tuple[object, object]] = [(message.headers, message.payload) for message in buffer]
    ours = [({name: as_botocore_has_it(v) for name, v in f.headers.items()}, f.payload) for f in Decoder().feed(octets)]
    assert ours == theirs
    assert len(ours) == len(sent)


@given(st.lists(frames, max_size=5))
def test_anything(sent: list[Frame]) -> None:
    compare(sent)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_table(case: Case) -> None:
    compare([case.frame])
