import pytest

from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    CredentialRejected,
    EmptyReply,
    ModelUnavailable,
    QuotaExhausted,
    StreamTruncated,
    Throttled,
)
from cwproxy.upstream.retry import ATTEMPTS, CAP, Situation, delay

FIRST = Situation(attempt=1, elapsed=0.5, left=580.0)


@pytest.mark.parametrize(
    ("error", "longest"),
    [
        (BackendUnavailable("x"), 0.05),
        (StreamTruncated("x"), 0.05),
        (Throttled("x"), 1.0),
        (ModelUnavailable("x"), 1.0),
    ],
)
def test_passing_faults_are_repeated_with_full_jitter(error: BackendError, longest: float) -> None:
    assert delay(error, FIRST, random=0.0) == 0.0
    assert delay(error, FIRST, random=0.5) == pytest.approx(longest / 2)
    second = Situation(attempt=2, elapsed=1.0, left=580.0)
    assert delay(error, second, random=0.5) == pytest.approx(longest)


@pytest.mark.parametrize(
    "error",
    [
        QuotaExhausted("x"),
        CredentialRejected("x"),
        AccountUnusable("x"),
        BackendTimeout("x"),
        BackendUnavailable("x", retry_safe=False),
    ],
)
def test_lasting_faults_are_not_repeated(error: BackendError) -> None:
    assert delay(error, FIRST, random=0.5) is None


@pytest.mark.parametrize(
    "situation",
    [
        Situation(attempt=ATTEMPTS, elapsed=1.0, left=580.0),
        Situation(attempt=1, elapsed=60.0, left=530.0),
        Situation(attempt=1, elapsed=0.5, left=4.9),
    ],
    ids=["attempts used up", "waited too long", "deadline near"],
)
def test_budgets_end_it(situation: Situation) -> None:
    assert delay(BackendUnavailable("x"), situation, random=0.5) is None


def test_the_service_says_when() -> None:
    assert delay(Throttled("x", retry_after=3.0), FIRST, random=0.9) == 3.0
    assert delay(Throttled("x", retry_after=30.0), FIRST, random=0.9) is None


def test_a_wait_is_capped() -> None:
    late = Situation(attempt=2, elapsed=1.0, left=580.0)
    assert (delay(Throttled("x"), late, random=0.999) or 0) <= CAP


def test_an_answer_that_says_nothing_is_asked_for_once_more() -> None:
    assert delay(EmptyReply("x"), FIRST, random=0.5) == pytest.approx(0.025)
    assert delay(EmptyReply("x"), Situation(attempt=2, elapsed=1.0, left=580.0), random=0.5) is None
