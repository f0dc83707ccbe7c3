import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.accounts.sources.document import changed, parse, text, texts
from cwproxy.errors import SourceError

PLAIN = '{"accessToken": "a", "n": 12345678901234567890, "nested": {"x": [1, null]}}'


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        b"\r\n" + PLAIN.replace(", ", ",\r\n").encode() + b"\r\n",
    ],
)
def test_however_it_was_saved(data: bytes) -> None:
    assert parse(data, "it") == json.loads(PLAIN)
    again = changed(data, {"accessToken": "b"})
    assert json.loads(again.decode()) == {**json.loads(PLAIN), "accessToken": "b"}


def test_bytes_of_an_old_code_page_are_kept() -> None:
    data = b'{"name": "J\xf6rg", "accessToken": "a"}'
    assert text(parse(data, "it"), "accessToken") == "a"
    assert changed(data, {"accessToken": "b"}) == b'{"name": "J\xf6rg", "accessToken": "b"}'


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": "b', b"\x00\x01\x02", b"nonsense", b"\xff\xfe{", b"[" * 100_000])
def test_what_is_not_whole(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"^it is not whole: it is no valid JSON\.$") as caught:
        parse(data, "it")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", [b"[]", b"1", b'"x"', b"null"])
def test_what_is_no_object(data: bytes) -> None:
    with pytest.raises(SourceError, match="holds no JSON object"):
        parse(data, "it")


@pytest.mark.parametrize(
    "before",
    ['{"a":"x","b":1}', '{"a": "x", "b": 1}', '{\n  "a": "x",\n  "b": 1\n}\n', '{\n\t"a": "x",\n\t"b": 1\n}'],
)
def test_the_layout_stays(before: str) -> None:
    assert changed(before.encode(), {"a": "y"}) == before.replace('"x"', '"y"').encode()


def test_texts() -> None:
    members: dict[str, object] = {"a": "  ", "b": 1, "c": " x ", "list": ["p", 1, "q"], "words": "p q", "null": None}
    assert text(members, "missing", "a", "b", "c") == "x"
    assert text(members, "missing", "a", "b") is None
    assert texts(members, "list") == texts(members, "words") == ("p", "q")
    assert texts(members, "null") == ()


@given(st.binary(max_size=64))
def test_any_bytes_are_an_object_or_an_error(data: bytes) -> None:
    try:
        members = parse(data, "it")
    except SourceError:
        return
    assert json.loads(changed(data, {"z": 1}).decode("utf-8", "surrogateescape")) == {**members, "z": 1}
