import json

import pytest

from cwproxy.simulator.grants import GrantError
from cwproxy.simulator.oauth import ERROR_CLASSES, error_reply, members_of, text, texts


@pytest.mark.parametrize("code", sorted(ERROR_CLASSES))
def test_a_refusal_is_said_in_the_body_and_in_the_header(code: str) -> None:
    reply = error_reply(code, "why")
    assert reply.status == {"invalid_client": 401, "server_error": 500}.get(code, 400)
    assert json.loads(reply.body) == {"error": code, "error_description": "why"}
    assert dict(reply.headers)["x-amzn-ErrorType"] == ERROR_CLASSES[code]


def test_a_code_of_ones_own() -> None:
    assert dict(error_reply("nonsense", "why").headers)["x-amzn-ErrorType"] == "InvalidRequestException"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_a_body_is_one_object(body: bytes) -> None:
    with pytest.raises(GrantError):
        members_of(body)


def test_members_have_a_type() -> None:
    assert text({"a": "b"}, "a") == "b"
    assert texts({"a": ["b"]}, "a") == ("b",)
    assert texts({}, "a") is None
    for wrong in ({}, {"a": ""}, {"a": 1}):
        with pytest.raises(GrantError):
            text(wrong, "a")
    for many in ({"a": "b"}, {"a": [""]}, {"a": [1]}):
        with pytest.raises(GrantError):
            texts(many, "a")
