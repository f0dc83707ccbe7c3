from hypothesis import given
from hypothesis import strategies as st

from cwproxy.simulator.rules.signature import is_signature_of, sign


@given(st.text(), st.text())
def test_a_signature_is_of_one_text(text: str, other: str) -> None:
    assert is_signature_of(sign(text), text)
    assert is_signature_of(sign(other), text) == (text == other)
    assert not is_signature_of(other, text)
