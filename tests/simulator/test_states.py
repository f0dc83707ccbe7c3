import pytest
from tests.support.chat_requests import PROFILES, Profile

from cwproxy.simulator.states import STATES, said


def test_only_a_healthy_account_has_nothing_to_say() -> None:
    assert [name for name, state in STATES.items() if state.error is None] == ["healthy"]


def test_every_period_of_quota_comes_in_three_statuses() -> None:
    for period in ("monthly", "daily", "overage"):
        statuses = {state.error.status for name, state in STATES.items() if name.startswith(period) and state.error}
        assert statuses == {400, 402, 429}


def test_locked_accounts_are_locked_everywhere_and_busy_ones_only_for_chat() -> None:
    everywhere = {name for name, state in STATES.items() if state.everywhere}
    assert everywhere == {"suspended", "feature-not-supported", "wrong-region"}


@pytest.mark.parametrize("profile", PROFILES)
def test_each_service_has_its_own_words(profile: Profile) -> None:
    for name, state in STATES.items():
        spoken = said(name, profile)
        assert spoken.only in (None, profile)
        assert (spoken is state) == (state.only in (None, profile))
        assert name.partition("-")[0] == next(key for key, it in STATES.items() if it is spoken).partition("-")[0]


def test_what_a_quota_is_called() -> None:
    monthly = [said(name, profile).error for name in ("monthly-402", "monthly-400") for profile in PROFILES]
    assert [error.status for error in monthly if error is not None] == [402, 400, 402, 400]
    short = STATES["monthly-429-short"].error
    assert short is not None and short.message == "Maximum Request reached for this month."


@pytest.mark.parametrize("name", ["throttled-user-rate", "throttled-service-rate", "throttled-credit-rate"])
def test_the_older_service_gives_no_reason_for_a_rate(name: str) -> None:
    error = said(name, "legacy-q").error
    assert error is not None and (error.reason, error.retry_after_milliseconds) == (None, None)
