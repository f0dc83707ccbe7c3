import pytest

from cwproxy.accounts.pool.members import Shortage as S
from cwproxy.accounts.pool.shortages import exhausted
from cwproxy.accounts.pool.states import Obstacle

NOW = 1000.0


@pytest.mark.parametrize("shortage", S)
def test_one_account_gives_its_own_reason(shortage: S) -> None:
    answer = exhausted([Obstacle(shortage)], NOW)
    assert (answer.reason, answer.retry_after) == (shortage, None)
    assert answer.detail.endswith(".")


@pytest.mark.parametrize(
    ("shortages", "reason"),
    [
        ([], S.NONE_LOGGED_IN),
        ([S.QUOTA, S.THROTTLED], S.THROTTLED),
        ([S.BREAKER, S.TRIED], S.TRIED),
        ([S.QUOTA, S.BREAKER], S.BREAKER),
        ([S.CREDENTIALS, S.QUOTA, S.SUSPENDED], S.QUOTA),
        ([S.CREDENTIALS, S.SUSPENDED], S.SUSPENDED),
        ([S.MODEL, S.QUOTA], S.QUOTA),
        ([S.MODEL, S.CREDENTIALS, S.SUSPENDED, S.NONE_LOGGED_IN], S.MODEL),
        ([S.NONE_LOGGED_IN, S.CREDENTIALS], S.CREDENTIALS),
    ],
)
def test_of_several_reasons_the_one_that_is_over_first_counts(shortages: list[S], reason: S) -> None:
    assert exhausted([Obstacle(each) for each in shortages], NOW).reason is reason


def test_the_wait_is_the_shortest_of_that_reason() -> None:
    obstacles = [Obstacle(S.THROTTLED, 1030.0), Obstacle(S.THROTTLED, 1020.0), Obstacle(S.QUOTA, 1001.0)]
    assert exhausted(obstacles, NOW).retry_after == 20.0
    assert exhausted([Obstacle(S.BREAKER, 900.0)], NOW).retry_after == 1.0
