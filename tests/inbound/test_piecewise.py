"""The same as the whole decoder, whatever the body; what it cannot read is told by the whole decoder."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from tests.support.openai_bodies import Body, bodies, encoded

from cwproxy.dialects.anthropic_messages.schema import Request as AnthropicRequest
from cwproxy.dialects.openai_chat.schema import Request
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import LARGE_BODY, decoder
from cwproxy.inbound.piecewise import Piecewise

PIECEWISE = Piecewise(Request, "messages")
WHOLE = msgspec.json.Decoder(Request)


def outcome(read: Callable[[bytes], Request], data: bytes) -> Request | None:
    try:
        return read(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@given(bodies())
def test_what_comes_out_is_the_same(body: Body) -> None:
    data = encoded(body)
    assert outcome(PIECEWISE, data) == outcome(WHOLE.decode, data)


@pytest.mark.parametrize("body", [b"{}", b'{"messages":null,"n":2}', b'{"messages":[],"unknown":[1,{"x":2}]}'])
def test_without_messages(body: bytes) -> None:
    assert PIECEWISE(body) == WHOLE.decode(body)


def test_of_messages_that_are_given_twice_the_last_ones_count() -> None:
    assert PIECEWISE(b'{"messages":[1],"n":2,"messages":[]}') == Request(messages=[], n=2)
    assert outcome(PIECEWISE, b'{"messages":[],"messages":[1]}') is None


def test_messages_of_the_other_dialect() -> None:
    body = (
        b'{"model":"m","max_tokens":3,"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}'
    )
    assert Piecewise(AnthropicRequest, "messages")(body) == msgspec.json.Decoder(AnthropicRequest).decode(body)


def large(*messages: object) -> bytes:
    filler = {"role": "user", "content": "é" * LARGE_BODY}
    return json.dumps({"model": "m", "max_tokens": 9, "messages": [filler, *messages]}).encode()


def test_a_large_body_is_read_like_a_small_one() -> None:
    body = large({"role": "assistant", "content": "x"}, {"role": "user", "content": None})
    assert decoder(Request, pieces="messages")(body) == decoder(Request)(body)


def test_a_large_body_is_refused_with_the_path_of_what_is_wrong() -> None:
    read = decoder(Request, pieces="messages")
    with pytest.raises(InvalidRequest) as caught:
        read(large({"role": "user", "content": 7}))
    assert caught.value.param == "messages[1].content"
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        read(large()[:-1])


def test_a_lone_surrogate_in_a_large_body_becomes_the_replacement_character() -> None:
    request = decoder(Request, pieces="messages")(large({"role": "user", "content": "\ud800"}))
    assert request.messages is not None
    assert request.messages[1].content == "\ufffd"
