"""The structs are wider than OpenAI's own types: whatever its SDK can write is read."""

import msgspec
import pytest

from cwproxy.dialects.openai_responses.schema import Echo, Request


@pytest.mark.parametrize("name", Request.__struct_fields__)
def test_every_member_may_be_null(name: str) -> None:
    body = msgspec.json.encode({name: None})
    assert getattr(msgspec.json.decode(body, type=Request), name) is None
    msgspec.json.decode(body, type=Echo)


def test_unknown_members_are_skipped() -> None:
    text = b'{"new":{"x":1},"input":[{"type":"new","content":5}],"tools":[{"type":"new","tools":{"a":1}}]}'
    assert msgspec.json.decode(text, type=Request).input
