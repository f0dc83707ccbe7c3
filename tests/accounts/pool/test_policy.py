import pytest

from cwproxy.accounts.pool.policy import Backoff, Policy


def test_a_back_off_doubles_up_to_its_cap() -> None:
    backoff = Backoff(5.0, 60.0)
    assert [backoff.seconds(level, 0.3) for level in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert backoff.seconds(100_000, 0.3) == 60.0


@pytest.mark.parametrize(("random", "expected"), [(0.0, 27.0), (0.5, 30.0), (0.999_999, 33.0)])
def test_jitter_goes_both_ways(random: float, expected: float) -> None:
    assert Backoff(30.0, 300.0, jitter=0.1).seconds(0, random) == pytest.approx(expected, abs=0.01)


def test_the_breakers_open_for_the_times_of_the_policy() -> None:
    policy = Policy()
    assert [policy.account.backoff.seconds(n, 0.5) for n in (0, 1, 4)] == [30.0, 60.0, 300.0]
    assert [policy.endpoint.backoff.seconds(n, 0.5) for n in (0, 1, 4)] == [5.0, 10.0, 60.0]
    assert [policy.model.backoff.seconds(n, 0.5) for n in (0, 1, 4)] == [10.0, 20.0, 120.0]
