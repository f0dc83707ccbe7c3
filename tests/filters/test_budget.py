from hypothesis import given
from hypothesis import strategies as st

from cwproxy.codewhisperer.tokens import estimate, weigh
from cwproxy.filters.budget import TokenBudget


def by_length(text: str) -> float:
    return float(len(text))


def test_text_is_cut_where_the_budget_ends() -> None:
    budget = TokenBudget(5, by_length)
    assert budget.feed("abc") == "abc"
    assert not budget.exhausted
    assert budget.feed("defg") == "de"
    assert budget.exhausted
    assert budget.feed("h") == ""


def test_exactly_enough_is_enough() -> None:
    budget = TokenBudget(3, by_length)
    assert budget.feed("abc") == "abc"
    assert not budget.exhausted
    assert budget.feed("") == ""


def test_what_cannot_be_cut_is_counted() -> None:
    budget = TokenBudget(5, by_length)
    budget.spend("abc")
    assert not budget.exhausted
    budget.spend("abc")
    assert budget.exhausted
    assert budget.feed("x") == ""


@given(limit=st.integers(1, 60), pieces=st.lists(st.text(max_size=20), max_size=20))
def test_what_is_reported_never_exceeds_the_limit_and_no_room_is_wasted(limit: int, pieces: list[str]) -> None:
    budget = TokenBudget(limit, weigh)
    out = "".join(budget.feed(piece) for piece in pieces)
    whole = "".join(pieces)
    assert whole.startswith(out)
    assert estimate(out) <= limit
    assert (out == whole) == (not budget.exhausted)
    if budget.exhausted:
        assert weigh(whole[: len(out) + 1]) > limit + 0.4
