import json

import pytest

from cwproxy.simulator.envelope import json_reply
from cwproxy.simulator.grants import GrantError
from cwproxy.simulator.oauth import ERROR_CLASSES, error_reply, members_of, text, texts, with_lifetime


@pytest.mark.parametrize("code", sorted(ERROR_CLASSES))
def test_a_refusal_is_said_in_the_body_and_in_the_header(code: str) -> None:
    reply = error_reply(code, "why")
    assert reply.status == {"invalid_client": 401, "server_error": 500}.get(code, 400)
    said = "invalid_request" if code == "invalid_request_region" else code
    assert json.loads(reply.body) == {"error": said, "error_description": "why"}
    assert dict(reply.headers)["x-amzn-ErrorType"] == ERROR_CLASSES[code]


@pytest.mark.parametrize("value", [None, -5, 0, 10**12, "3600", [1]])
@pytest.mark.parametrize("name", ["expiresIn", "expires_in"])
def test_a_lifetime_may_be_anything(name: str, value: object) -> None:
    changed = json.loads(with_lifetime(json_reply({name: 3600, "accessToken": "a"}), value).body)
    assert changed == ({"accessToken": "a"} if value is None else {"accessToken": "a", name: value})


def test_a_refusal_has_no_lifetime() -> None:
    assert json.loads(with_lifetime(error_reply("slow_down", "why"), 3).body)["error"] == "slow_down"


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
