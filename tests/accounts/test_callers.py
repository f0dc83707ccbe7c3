from cwproxy.accounts.callers import LOCAL, Caller


def test_a_caller_without_a_list_may_use_every_model() -> None:
    assert LOCAL.may_use("anything")


def test_a_model_is_allowed_by_any_of_its_names() -> None:
    caller = Caller("key-1", "key-1", frozenset({"claude-sonnet-4"}))
    assert caller.may_use("my-alias", "claude-sonnet-4")
    assert not caller.may_use("claude-opus-4.5")
