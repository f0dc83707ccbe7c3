from cwproxy.accounts.pool import changes


def test_the_scope_of_a_model_cannot_be_taken_for_another() -> None:
    fixed = {changes.ACCOUNT, changes.THROTTLED, changes.REFUSED, changes.QUOTA}
    assert len(fixed) == 4
    assert not any(scope.startswith(changes.MODEL) for scope in fixed)
