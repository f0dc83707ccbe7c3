import json

import pytest

from cwproxy.diagnosis import redaction
from cwproxy.diagnosis.redaction import OMITTED
from cwproxy.redaction import REDACTED

SECRETS = [
    "Bearer aoaAAAAAA-canary-canary",
    "aoaAAAAAGcanarycanarycanary:xyz",
    "ksk_canarycanarycanary",
    "cwp_canarycanarycanary",
    "sk-proj-canarycanarycanary",
    "eyJhbGciOiJIUzI1NiJ9.canarycanary.canary",
    "ASIACANARYCANARY123",
    "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_blanked_wherever_it_stands(secret: str) -> None:
    data = json.dumps({"messages": [{"content": f"my key is {secret} ok"}], secret: 1}).encode()
    found = redaction.body(data)["messages"][0]["content"]
    assert found == f"my key is {REDACTED} ok"
    assert "canary" not in redaction.body(f"not JSON {secret}".encode())


def test_members_and_headers_with_the_names_of_secrets_are_blanked() -> None:
    body = {"password": "p", "refreshToken": "r", "client_secret": "s", "token": "t", "arguments": {"api_key": "k"}}
    assert redaction.body(json.dumps(body).encode()) == {
        "password": REDACTED,
        "refreshToken": REDACTED,
        "client_secret": REDACTED,
        "token": "t",
        "arguments": {"api_key": REDACTED},
    }
    assert redaction.body(b'{"password": {"type": "string"}}') == {"password": {"type": "string"}}
    assert redaction.headers({"Authorization": "x", "set-cookie": "y", "x-amz-security-token": "z", "date": "d"}) == {
        "Authorization": REDACTED,
        "set-cookie": REDACTED,
        "x-amz-security-token": REDACTED,
        "date": "d",
    }
    assert redaction.url("https://user:canary@proxy/x?y=a@b") == "https://proxy/x?y=a@b"


def test_pictures_are_cut_short_and_come_back_at_their_length() -> None:
    sent = {"images": [{"format": "png", "source": {"bytes": "iVBO" * 1000}}], "small": {"bytes": "iVBO"}}
    found = redaction.body(json.dumps(sent).encode())
    assert found["images"][0]["source"] == {"bytes": "iVBO" * 16, OMITTED: 3936}
    assert found["small"] == {"bytes": "iVBO"}
    again = redaction.inflated(found)
    assert again["images"][0]["source"] == {"bytes": "iVBO" * 16 + "A" * 3936}
    assert again["small"] == {"bytes": "iVBO"}


def test_data_urls_tell_their_size() -> None:
    found = redaction.body(json.dumps([f"data:image/png;base64,{'iVBO' * 1000}=="]).encode())
    assert found == [f"data:image/png;base64,{'iVBO' * 16}[... 4002 characters in all]"]


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_any_bytes_can_be_shown(data: bytes) -> None:
    assert isinstance(redaction.body(data), str)


def test_other_values_are_left_alone() -> None:
    value: list[object] = [1, None, True, 1.5, {"a": []}]
    assert redaction.body(json.dumps(value).encode()) == value
    assert redaction.inflated(value) == value
