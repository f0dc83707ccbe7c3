import pytest

from cwproxy.simulator.rules.document import NotStrictJson, characters, parse, parse_leading, serialised, strings


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' {"a": [1, 2.5, true, null]} \n', {"a": [1, 2.5, True, None]}),
        ('"é😀"'.encode(), "é😀"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"' + b"[" * 900 + b'"', "[" * 900),
        (b'["' + b"[" * 900 + b'", {"x": []}]', ["[" * 900, {"x": []}]),
    ],
)
def test_strict_json_is_read(body: bytes, value: object) -> None:
    assert parse(body) == value


def test_what_is_measured_is_the_longer_spelling() -> None:
    assert serialised({"a": ["é", None]}) == '{"a": ["é", null]}'


def test_what_is_nested_within_reason_is_read() -> None:
    value = parse(b'{"a":' + b"[" * 390 + b"]" * 390 + b"}")
    assert list(strings(value)) == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"{} {}",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e999",
        b"9" * 5_000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": 1, "a": 1}',
        b'"a\nb"',
        b"[" * 500 + b"]" * 500,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse(body)


def test_a_leading_value_and_its_end() -> None:
    assert parse_leading('{"a": 1} and more') == ({"a": 1}, 8)


def test_strings_come_with_keys_and_without_what_is_skipped() -> None:
    value = {"a": ["b", {"c": 1}], "skipped": "x", "d": None}
    assert sorted(strings(value, skip=frozenset({"skipped"}))) == ["a", "b", "c", "d"]
    assert characters(value) == len("abcdskippedx")
