from cwproxy.simulator.states import STATES


def test_only_a_healthy_account_has_nothing_to_say() -> None:
    assert [name for name, state in STATES.items() if state.error is None] == ["healthy"]


def test_every_period_of_quota_comes_in_three_statuses() -> None:
    for period in ("monthly", "daily", "overage"):
        statuses = {state.error.status for name, state in STATES.items() if name.startswith(period) and state.error}
        assert statuses == {400, 402, 429}


def test_locked_accounts_are_locked_everywhere_and_busy_ones_only_for_chat() -> None:
    everywhere = {name for name, state in STATES.items() if state.everywhere}
    assert everywhere == {"suspended", "feature-not-supported", "wrong-region"}
