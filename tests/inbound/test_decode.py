"""Strict JSON at the edge (reliability.md 3E 119 to 122)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.dialects.openai_chat.schema import Message, Request
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import MAX_DEPTH, arguments, check_depth, decoder, document, member_decoder

decode = decoder(Request)


def content_of(body: bytes) -> object:
    request = decode(body)
    assert request.messages is not None
    return request.messages[0].content


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (r"\ud800", "\ufffd"),
        (r"a\udc00b", "a\ufffdb"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83d\ude00", "😀"),
        (r"\u0000\u001f\u202e", "\x00\x1f\u202e"),
    ],
)
def test_lone_surrogates_become_the_replacement_character(escaped: str, expected: str) -> None:
    body = b'{"messages":[{"role":"user","content":"%b"}]}' % escaped.encode()
    assert content_of(body) == expected


def test_a_surrogate_in_a_member_that_is_not_read_is_no_obstacle() -> None:
    assert content_of(rb'{"x":"\ud800","messages":[{"role":"user","content":"hi"}]}') == "hi"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'model':1}",
        b'{"temperature":NaN}',
        b'{"x":Infinity}',
        b'{"x":-Infinity}',
        b'{"x":"\\ud800","y":1e999}',
        b'{"x":"\\ud800","y":%b}' % (b"9" * 5000),
        b"\xef\xbb\xbf{}",
        '{"model":"m"}'.encode("utf-16"),
        b'{"model":"\xff"}',
        b"\x1f\x8b\x08\x00",
        b'{"x":%b}' % (b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_json_is_refused_and_says_so(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(body)
    assert caught.value.code == "invalid_json"
    assert caught.value.message.startswith("The request body is ")


def test_nesting_that_only_the_second_look_can_take_is_refused_too() -> None:
    with pytest.raises(InvalidRequest):
        decode(b'{"x":"\\ud800","y":%b}' % (b"[" * 50_000 + b"]" * 50_000))


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (b'{"model":5}', "model", "`model` must be a string or null, not an integer."),
        (b'{"messages":"hi"}', "messages", "`messages` must be an array or null, not a string."),
        (b'{"messages":[{"content":"x"}]}', "messages[0].role", "`messages[0].role` is missing."),
        (
            b'{"messages":[{"role":"user","content":[{"image_url":{"url":5}}]}]}',
            "messages[0].content[0].image_url.url",
            "`messages[0].content[0].image_url.url` must be a string, not an integer.",
        ),
        (b'{"stream":"yes"}', "stream", "`stream` must be true or false or null, not a string."),
        (
            b'{"max_tokens":%b}' % (b"9" * 5000),
            "max_tokens",
            "`max_tokens` cannot be used: Integer value out of range.",
        ),
        (b'{"temperature":1e999}', "temperature", "`temperature` is out of range: it takes number from 0 to 2."),
        (b"[]", None, "The request body must be an object, not an array."),
        (b'{"x":"\\ud800","model":5}', "model", "`model` must be a string or null, not an integer."),
    ],
)
def test_a_wrong_type_is_named_by_its_path(body: bytes, param: str | None, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(body)
    assert (caught.value.param, caught.value.message) == (param, message)


def test_a_missing_member_of_the_whole_is_named_without_a_path() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode(b'{"response_format":{}}')
    assert caught.value.param == "response_format.type"


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        decode(body)
    except InvalidRequest as error:
        assert error.message


@pytest.mark.parametrize("raw", [b"", b"null", b"{}"])
def test_no_document_is_an_empty_object(raw: bytes) -> None:
    assert document(raw, "p") == b"{}"


@pytest.mark.parametrize(
    "raw",
    [b'{"a":1e2}', '{"a":"ü"}'.encode(), b'{"a":"1e999 is text"}', b'{"a":[%b[]]}' % (b"[]," * 60)],
)
def test_a_document_is_passed_on_as_it_is(raw: bytes) -> None:
    assert document(raw, "p") == raw


@pytest.mark.parametrize("raw", [b"5", b"[]", b'"x"', b'{"a":1e999}', b'{"a":"\xff"}'])
def test_a_document_that_is_no_safe_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        document(raw, "tools[0].parameters")
    assert caught.value.param == "tools[0].parameters"


def test_depth_is_counted_outside_strings_only() -> None:
    wide = b'{"a":[' + b'"[[[[{{{\\"[",' * 100 + b"{}]}"
    check_depth(wide, "p")
    check_depth(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "p")
    with pytest.raises(InvalidRequest) as caught:
        check_depth(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "p")
    assert caught.value.param == "p"


@pytest.mark.parametrize(
    ("raw", "param", "words"),
    [
        (b"5", "input[1]", "`input[1]` must be an object, not an integer."),
        (b'{"role":5}', "input[1].role", "`input[1].role` must be a string, not an integer."),
        (b"{}", "input[1].role", "`input[1].role` is missing."),
        (rb'{"role":"\ud800","content":[5]}', "input[1].content[0]", "must be"),
    ],
)
def test_a_member_is_named_by_its_place_in_the_request(raw: bytes, param: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        member_decoder(Message)(raw, "input[1]")
    assert caught.value.param == param
    assert words in caught.value.message


def test_a_member_may_hold_lone_surrogates() -> None:
    assert member_decoder(Message)(rb'{"role":"user","content":"\ud800"}', "input[1]").content == "\ufffd"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", "{}"),
        (b"null", "{}"),
        (b'""', "{}"),
        (b'" "', "{}"),
        (b'{"a":1}', '{"a":1}'),
        (rb'"{\"a\":1}"', '{"a":1}'),
    ],
)
def test_arguments_come_as_text_or_as_an_object(raw: bytes, text: str) -> None:
    assert arguments(raw, "p") == text
