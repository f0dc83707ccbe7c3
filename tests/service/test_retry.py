import pytest

from cwproxy.errors import (
    AccountUnusable,
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    CredentialRejected,
    CwproxyError,
    EmptyReply,
    InvalidRequest,
    LoginAwaited,
    LoginRequired,
    ModelNotFound,
    ModelUnavailable,
    Overloaded,
    QuotaExhausted,
    StoreError,
    StreamTruncated,
    Throttled,
)
from cwproxy.service.retry import ATTEMPTS, CAP, MOVES, MOVING, Course, Situation, course, doubtful, may_move, telling

FIRST = Situation(attempt=1, waited=0.5, left=580.0)
SECOND = Situation(attempt=2, waited=1.0, left=580.0)


def here(error: CwproxyError, situation: Situation = FIRST, *, random: float) -> float | None:
    """Seconds until the same account is called again."""
    found = course(error, situation, random=random)
    return None if found is None else found.here


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
    assert here(error, random=0.0) == 0.0
    assert here(error, random=0.5) == pytest.approx(longest / 2)
    assert here(error, SECOND, random=0.5) == pytest.approx(longest)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("x"),
        BackendTimeout("x", reason="deadline"),
        BackendUnavailable("x", retry_safe=False),
        BackendError("x"),
        Overloaded("x"),
    ],
)
def test_lasting_faults_are_not_repeated_anywhere(error: BackendError) -> None:
    assert course(error, FIRST, random=0.5) is None


@pytest.mark.parametrize(
    "situation",
    [
        Situation(attempt=ATTEMPTS, waited=1.0, left=580.0),
        Situation(attempt=1, waited=60.0, left=530.0),
        Situation(attempt=1, waited=0.5, left=4.9),
    ],
    ids=["attempts used up", "waited too long", "deadline near"],
)
def test_budgets_end_it(situation: Situation) -> None:
    assert course(BackendUnavailable("x"), situation, random=0.5) is None


def test_the_service_says_when() -> None:
    assert here(Throttled("x", retry_after=3.0), random=0.9) == 3.0
    found = course(Throttled("x", retry_after=30.0), FIRST, random=0.9)
    assert found is not None
    assert found.here is None, "the client waits that long, or another account serves"


def test_a_wait_is_capped() -> None:
    assert (here(Throttled("x"), SECOND, random=0.999) or 0) <= CAP


def test_an_answer_that_says_nothing_is_asked_for_once_more() -> None:
    assert here(EmptyReply("x"), random=0.5) == pytest.approx(0.025)
    assert course(EmptyReply("x"), SECOND, random=0.5) is None


def test_after_a_throttle_another_account_is_asked_after_a_moment() -> None:
    found = course(Throttled("x"), FIRST, random=0.5)
    assert found == Course(tokens=5, here=0.5, there=MOVING / 2)


def test_a_silence_is_not_waited_for_twice_on_one_account() -> None:
    assert course(BackendTimeout("x"), FIRST, random=0.5) == Course(tokens=14, here=None, there=0.0)


USELESS = (
    QuotaExhausted("x"),
    AccountUnusable("x", reason="TEMPORARILY_SUSPENDED"),
    CredentialRejected("x"),
    LoginRequired("x"),
    StoreError("x"),
    BackendUnavailable("x", reason="login_not_renewed", retry_after=40.0),
    BackendUnavailable("x", reason="login_refused", retry_after=40.0),
)
PERHAPS = (AccountUnusable("x"), AccountUnusable("x", reason="FEATURE_NOT_SUPPORTED"), ModelNotFound("x"))


@pytest.mark.parametrize("error", [*USELESS, *PERHAPS])
def test_leaving_an_account_that_is_of_no_use_costs_nothing(error: CwproxyError) -> None:
    found = course(error, Situation(attempt=ATTEMPTS + 1, waited=0.0, left=580.0, moves=MOVES - 1), random=0.5)
    assert found is not None
    assert (found.tokens, found.here, found.there, found.dead) == (0, None, 0.0, True)
    assert doubtful(error) == (error in PERHAPS)
    assert course(error, Situation(attempt=1, waited=0.0, left=580.0, moves=MOVES), random=0.5) is None


def test_an_account_that_is_left_while_its_login_is_renewed_may_be_asked_again() -> None:
    error = LoginAwaited("x", reason="login_not_renewed", retry_after=5.0)
    situation = Situation(attempt=ATTEMPTS + 1, waited=0.0, left=580.0, moves=MOVES - 1)
    assert course(error, situation, random=0.5) == Course(tokens=0, here=0.0, there=0.0, dead=True)
    for moved in (
        Situation(attempt=1, waited=0.0, left=580.0, moves=MOVES),
        Situation(attempt=1, waited=60.0, left=580.0),
        Situation(attempt=1, waited=0.0, left=4.9),
    ):
        assert not may_move(moved)
        assert course(error, moved, random=0.5) is None


def test_the_more_telling_of_two_errors() -> None:
    """First how the call failed, then why there is no other account."""
    own, none = QuotaExhausted("monthly"), QuotaExhausted("all", retry_after=900.0)
    assert telling(own, none) is own
    assert own.retry_after == 900.0
    assert telling(own, Throttled("all")).message == "all"
    said = Throttled("slow", retry_after=7.0)
    assert telling(said, Throttled("all", retry_after=9.0)) is said
    assert said.retry_after == 7.0
    rejected = CredentialRejected("invalid")
    assert telling(rejected, LoginRequired("none")) is rejected
    broken = BackendUnavailable("broken")
    assert telling(broken, QuotaExhausted("all")) is broken
    assert telling(own, BackendUnavailable("tried")) is own
    assert isinstance(telling(own, Overloaded("busy")), Overloaded)
