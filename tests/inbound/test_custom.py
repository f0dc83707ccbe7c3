"""Custom tools as functions of one string, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.conversation import Tool
from cwproxy.inbound import custom


def test_the_grammar_is_told() -> None:
    assert custom.tool("c", None) == Tool("c", "", custom.SCHEMA)
    told = custom.tool("c", "D.", "start: x", "regex").description
    assert told == "D.\n\nThe input must match this grammar (regex):\nstart: x"
    assert "(lark)" in custom.tool("c", None, "start: x").description


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_wrapped_can_be_unwrapped(text: str) -> None:
    assert custom.unwrapped(custom.wrapped(text)) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input":"*** Begin\n+\ta\n"}', "*** Begin\n+\ta\n"),
        ('{"input":"a \\ud83d b"}', "a \ufffd b"),
        ('{"input":"a \\ud83d\\ude00\n"}', "a \U0001f600\n"),
        ('{"input":"a \ud83d b"}', "a \ufffd b"),
        (r'{"input":"\d+ \\q \u12 \n"}', "\\d+ \\q \\u12 \n"),
        ('{"input":"x\\\ny"}', "x\\\ny"),
        ('{"input":"x","more":1e999}', "x"),
    ],
)
def test_json_that_is_slightly_wrong_is_read(arguments: str, text: str) -> None:
    assert custom.unwrapped(arguments) == text


def test_what_the_model_wrote_instead_is_kept() -> None:
    for arguments in ("", "no json", '{"patch":"x"}', '"text"', '{"input":5}', "[" * 100_000, '{"input":"x"} or so'):
        assert custom.unwrapped(arguments) == arguments
