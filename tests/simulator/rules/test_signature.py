from hypothesis import given
from hypothesis import strategies as st

from cwproxy.simulator.rules.signature import is_signature_of, sign


@given(st.text(), st.text(), st.text())
def test_a_signature_is_of_one_text(text: str, other: str, model: str) -> None:
    assert is_signature_of(sign(text, model), text, model)
    assert is_signature_of(sign(other, model), text, model) == (text == other)
    assert not is_signature_of(other, text, model)


@given(st.text(), st.text(), st.text())
def test_a_signature_is_of_one_model(text: str, model: str, other: str) -> None:
    assert is_signature_of(sign(text, model), text, other) == (model == other)
    assert sign(text, model) != sign(text + model, "") or not model
