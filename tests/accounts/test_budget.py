from hypothesis import given
from hypothesis import strategies as st

from cwproxy.accounts.budget import CAPACITY, Budget


def test_it_ends_and_comes_back() -> None:
    budget = Budget(20)
    assert budget.take(14)
    assert not budget.take(14)
    assert budget.left == 6
    assert budget.take(5)
    budget.put_back(19)
    assert budget.left == 20
    budget.put_back(0)
    assert budget.left == 20


def test_a_person_can_fill_it() -> None:
    budget = Budget(20)
    assert budget.take(20)
    budget.refill()
    assert budget.left == 20


def test_a_success_at_once_puts_one_back() -> None:
    budget = Budget(20)
    assert budget.take(5)
    budget.put_back(0)
    assert budget.left == 16


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 42))))
def test_there_is_never_more_than_all_nor_less_than_nothing(steps: list[tuple[bool, int]]) -> None:
    budget = Budget()
    for takes, tokens in steps:
        if takes:
            before = budget.left
            assert budget.take(tokens) == (before >= tokens)
        else:
            budget.put_back(tokens)
        assert 0 <= budget.left <= CAPACITY
