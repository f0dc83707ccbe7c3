"""The headers block, in both directions, and the blocks that are refused."""

import pytest
from hypothesis import given
from tests.support.frames import BROKEN_BLOCKS, CASES, Case, header_maps

from cwproxy.eventstream import HeaderValue
from cwproxy.eventstream.headers import parse, parse_cached, write


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_directions(case: Case) -> None:
    assert write(case.headers) == case.block
    assert parse(case.block) == case.headers


@given(header_maps)
def test_what_is_written_is_parsed(headers: dict[str, HeaderValue]) -> None:
    parsed = parse(write(headers))
    assert list(parsed.items()) == list(headers.items())


@pytest.mark.parametrize(("block", "sentence"), [case[1:] for case in BROKEN_BLOCKS], ids=[c[0] for c in BROKEN_BLOCKS])
def test_broken_blocks_are_refused(block: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(block)


@pytest.mark.parametrize("case", [case for case in CASES if case.block], ids=lambda case: case.name)
def test_every_cut_inside_a_header_is_refused(case: Case) -> None:
    ends = {len(write(dict(list(case.headers.items())[:count]))) for count in range(len(case.headers) + 1)}
    for end in set(range(len(case.block))) - ends:
        with pytest.raises(ValueError, match="would end at byte"):
            parse(case.block[:end])


def test_the_result_is_read_only() -> None:
    headers = parse(b"\x01a\x00")
    with pytest.raises(TypeError):
        headers["a"] = False  # type: ignore[index] # the point of the test


def test_equal_blocks_are_parsed_once() -> None:
    assert parse_cached(b"\x01a\x00") is parse_cached(bytes(bytearray(b"\x01a\x00")))


def test_the_cache_is_bounded() -> None:
    assert parse_cached.cache_parameters()["maxsize"] == 64


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"n" * 256: True}, "the name 'n+' has 256 bytes; 255 is the most"),
        ({"ü" * 128: True}, "has 256 bytes; 255"),
        ({"a": "x" * 65_536}, "the value of 'a' has 65536 bytes; 65535 is the most"),
        ({"a": b"x" * 65_536}, "the value of 'a' has 65536 bytes; 65535 is the most"),
        ({"a": "\ud800"}, "surrogates not allowed"),
    ],
)
def test_what_has_no_bytes_is_not_written(headers: dict[str, HeaderValue], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        write(headers)


def test_the_longest_names_and_values() -> None:
    headers: dict[str, HeaderValue] = {"n" * 255: "x" * 65_535, "b": b"y" * 65_535}
    assert parse(write(headers)) == headers
