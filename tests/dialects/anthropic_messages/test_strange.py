import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.dialects.anthropic_messages.strange import without_members


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"messages":5}', b'{"messages":[5,{"content":[5,{"type":5}]}]}'],
)
def test_there_is_nothing_to_be_left_out(body: bytes) -> None:
    assert without_members(body) is None


def test_only_what_is_not_known_is_left_out() -> None:
    strange = {"type": "new", "text": [], "more": 1}
    known = {"type": "tool_use", "id": 5, "input": {"a": 1.5}}
    fine = {"type": "newer", "text": "x", "more": 1}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [strange, "x", fine]}
    body = {"model": "m", "system": strange, "messages": [{"role": "user", "content": [known, fine, result]}]}
    left = without_members(json.dumps(body).encode())
    assert left is not None
    assert json.loads(left) == {
        "model": "m",
        "system": {"type": "new"},
        "messages": [
            {"role": "user", "content": [known, fine, {**result, "content": [{"type": "new"}, "x", fine]}]},
        ],
    }


@given(st.binary(max_size=100))
def test_no_bytes_raise_anything(data: bytes) -> None:
    assert without_members(data) is None
