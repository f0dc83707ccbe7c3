"""What goes out as `encrypted_content` comes back as the same thought."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwproxy.conversation import Reasoning, RedactedReasoning
from cwproxy.dialects.openai_responses.thoughts import opened, sealed
from cwproxy.reply import ReasoningPart, RedactedPart

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts)
def test_a_thought_comes_back_byte_for_byte(text: str, signature: str) -> None:
    assert opened(sealed(ReasoningPart(text, signature))) == Reasoning(text, signature)
    assert opened(sealed(RedactedPart(text))) == RedactedReasoning(text)


@given(texts)
def test_nothing_else_is_ours(text: str) -> None:
    assert opened(text) is None
    assert opened("cwpr1." + text) is None


@pytest.mark.parametrize("text", [None, "", "gAAAAAB", "cwpr1.", "cwpr1.e30=", "cwpr1.ä", "cwpr1.abc"])
def test_what_cannot_be_opened_is_dropped(text: str | None) -> None:
    assert opened(text) is None
