import pytest

from cwproxy.accounts.callers import LOCAL, Caller
from cwproxy.errors import ModelNotFound


def test_a_caller_without_a_list_may_use_every_model() -> None:
    assert LOCAL.may_use("anything")


def test_a_model_is_allowed_by_any_of_its_names() -> None:
    caller = Caller("key-1", "key-1", frozenset({"claude-sonnet-4"}))
    assert caller.may_use("my-alias", "claude-sonnet-4")
    assert not caller.may_use("claude-opus-4.5")


def test_a_model_that_is_not_allowed_is_told_with_those_that_are() -> None:
    LOCAL.check("anything", "anything")
    caller = Caller("key-1", "key-1", frozenset({"b", "a"}))
    caller.check("alias", "a")
    with pytest.raises(ModelNotFound, match=r"may not use the model 'c+', only: a, b\.$"):
        caller.check("c" * 1000, "d")
