"""Custom tools as functions of one string, there and back."""

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


def test_what_the_model_wrote_instead_is_kept() -> None:
    for arguments in ("", "no json", '{"patch":"x"}', '"text"'):
        assert custom.unwrapped(arguments) == arguments
