"""The structs are wider than Anthropic's own types: whatever its SDK can write is read."""

import msgspec
import pytest

from cwproxy.dialects.anthropic_messages.schema import Request


@pytest.mark.parametrize("name", Request.__struct_fields__)
def test_every_member_may_be_null(name: str) -> None:
    assert getattr(msgspec.json.decode(msgspec.json.encode({name: None}), type=Request), name) is None


def test_unknown_members_are_skipped() -> None:
    text = b'{"fallback":{"x":1},"messages":[{"role":"user","content":[{"type":"new","shape":[1]}],"id":5}]}'
    assert msgspec.json.decode(text, type=Request).messages
