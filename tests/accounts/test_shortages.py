import pytest

from cwproxy.accounts.pool import Exhausted, Shortage
from cwproxy.accounts.shortages import LONGEST, error_of, overloaded
from cwproxy.inbound.failures import failure_of


def told(shortage: Shortage, retry_after: float | None = None, random: float = 0.0) -> tuple[int, str | None, str, str]:
    """Status, code, `x-should-retry` and `retry-after` that an OpenAI client gets."""
    failure = failure_of(error_of(Exhausted(shortage, retry_after, "Why."), random=random))
    headers = dict(failure.headers)
    assert failure.message == "Why."
    return failure.status, failure.code, headers["x-should-retry"], headers.get("retry-after", "-")


@pytest.mark.parametrize(
    ("shortage", "retry_after", "answer"),
    [
        (Shortage.NONE_LOGGED_IN, None, (502, "upstream_credentials_exhausted", "false", "-")),
        (Shortage.CREDENTIALS, None, (502, "upstream_credentials_exhausted", "false", "-")),
        (Shortage.SUSPENDED, None, (502, "upstream_credentials_exhausted", "false", "-")),
        (Shortage.THROTTLED, 7.0, (429, "rate_limit_exceeded", "true", "7")),
        (Shortage.THROTTLED, None, (429, "rate_limit_exceeded", "true", "1")),
        (Shortage.THROTTLED, 900.0, (429, "rate_limit_exceeded", "true", "60")),
        (Shortage.QUOTA, 900_000.0, (429, "insufficient_quota", "false", "900000")),
        (Shortage.MODEL, None, (404, "model_not_found", "false", "-")),
        (Shortage.CAPACITY, 20.0, (503, "model_overloaded", "true", "20")),
        (Shortage.BREAKER, 20.0, (502, "upstream_error", "false", "-")),
        (Shortage.TRIED, None, (502, "upstream_error", "false", "-")),
    ],
)
def test_what_clients_are_told(
    shortage: Shortage, retry_after: float | None, answer: tuple[int, str | None, str, str]
) -> None:
    assert told(shortage, retry_after) == answer


def test_every_shortage_has_an_error() -> None:
    assert all(error_of(Exhausted(shortage, None, "Why."), random=0.5).message == "Why." for shortage in Shortage)


def test_not_all_clients_come_back_at_once() -> None:
    assert told(Shortage.THROTTLED, 10.0, 0.999)[3] == "12"
    assert float(told(Shortage.THROTTLED, 59.0, 0.999)[3]) <= LONGEST


def test_an_overload_is_over_in_one_to_five_seconds() -> None:
    assert overloaded(random=0.0).retry_after == 1.0
    assert 4.9 < (overloaded(random=0.999).retry_after or 0) < 5.0
    assert failure_of(overloaded(random=0.0)).status == 503
