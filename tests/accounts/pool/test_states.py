import pytest

from cwproxy.accounts.pool import changes
from cwproxy.accounts.pool.breaker import Fact
from cwproxy.accounts.pool.changes import Change
from cwproxy.accounts.pool.classes import Failure, FailureClass
from cwproxy.accounts.pool.endpoints import Endpoint
from cwproxy.accounts.pool.members import Member, Shortage, Standing
from cwproxy.accounts.pool.policy import Policy
from cwproxy.accounts.pool.states import FORBIDDEN_MODELS, Fit, MemberState, Obstacle

F = FailureClass
NOW = 1_790_000_000.0


def state(member: Member | None = None) -> MemberState:
    policy = Policy()
    return MemberState(member or Member("a", "A"), Endpoint("", policy), policy, turn=0.0)


def fail(account: MemberState, kind: FailureClass, model: str | None = "m", *, number: int = 1) -> list[Change]:
    return account.failed(Failure(kind), Fact(number, number, NOW, 0.5, "why"), model, lone=False)


@pytest.mark.parametrize(
    ("kind", "found", "scope"),
    [
        (F.THROTTLED, Obstacle(Shortage.THROTTLED, NOW + 5.0), changes.THROTTLED),
        (F.SHORT_QUOTA, Obstacle(Shortage.QUOTA, NOW + 300.0), changes.QUOTA),
        (F.LONG_QUOTA, Obstacle(Shortage.QUOTA, 1_790_812_950.0), changes.QUOTA),
        (F.REFUSED, Obstacle(Shortage.CREDENTIALS, NOW + 60.0), changes.REFUSED),
        (F.CREDENTIAL, Obstacle(Shortage.CREDENTIALS), changes.ACCOUNT),
        (F.MISCONFIGURED, Obstacle(Shortage.CREDENTIALS), changes.ACCOUNT),
        (F.SUSPENDED, Obstacle(Shortage.SUSPENDED), changes.ACCOUNT),
        (F.MODEL_UNKNOWN, Obstacle(Shortage.MODEL, NOW + 3600.0), "model:m"),
        (F.SERVER, Fit.SUSPECT, None),
        (F.TIMEOUT, Fit.SUSPECT, None),
        (F.BROKEN_STREAM, Fit.SUSPECT, None),
        (F.API_CHANGED, Fit.SUSPECT, None),
        (F.CAPACITY, Fit.HEALTHY, None),
        (F.CONNECTION, Fit.HEALTHY, None),
        (F.EMPTY, Fit.HEALTHY, None),
    ],
)
def test_every_class_has_its_effect(kind: FailureClass, found: Fit | Obstacle, scope: str | None) -> None:
    account = state()
    assert account.examine("m", NOW) is Fit.HEALTHY
    told = fail(account, kind)
    assert [change.scope for change in told] == ([scope] if scope else [])
    assert all(change.changed_at == NOW and change.account_id == "a" for change in told)
    assert account.examine("m", NOW) == found
    assert account.errors == {kind: 1}
    assert [(past.at, past.kind, past.model) for past in account.history] == [(NOW, kind, "m")]
    assert account.consecutive_errors == (kind not in (F.CAPACITY, F.CONNECTION, F.EMPTY))


def test_every_class_is_in_the_table_above() -> None:
    marks = test_every_class_has_its_effect.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(FailureClass)


def test_only_so_many_failures_are_remembered() -> None:
    account = state()
    for _ in range(100):
        fail(account, F.EMPTY)
    assert len(account.history) == Policy().history
    assert account.errors == {F.EMPTY: 100}


def test_a_model_nobody_named_cannot_be_forbidden() -> None:
    account = state()
    assert fail(account, F.MODEL_UNKNOWN, None) == []
    assert account.examine(None, NOW) is Fit.HEALTHY


def test_invented_models_do_not_fill_the_memory() -> None:
    account = state()
    for number in range(2 * FORBIDDEN_MODELS):
        fail(account, F.MODEL_UNKNOWN, f"m{number}")
    assert len(account.forbidden) == FORBIDDEN_MODELS
    assert account.examine(f"m{2 * FORBIDDEN_MODELS - 1}", NOW) == Obstacle(Shortage.MODEL, NOW + 3600.0)
    assert account.examine("m0", NOW + 3600.0) is Fit.HEALTHY
    assert not account.forbidden


def test_what_lasts_makes_it_no_alternative() -> None:
    account = state(Member("a", "A", models=frozenset({"m"})))
    assert account.could_replace("m", NOW)
    assert account.could_replace(None, NOW)
    assert not account.could_replace("n", NOW)
    fail(account, F.THROTTLED)
    assert account.could_replace("m", NOW)
    fail(account, F.SHORT_QUOTA)
    assert not account.could_replace("m", NOW)


def test_the_store_may_change_its_mind() -> None:
    account = state()
    assert account.examine(None, NOW) is Fit.HEALTHY
    account.replace(Member("a", "A", standing=Standing.DISABLED), account.endpoint, NOW)
    assert account.examine(None, NOW) == Obstacle(Shortage.NONE_LOGGED_IN)


def test_another_replicas_word_on_a_model_is_taken() -> None:
    account = state()
    account.adopt(Change("a", "model:m", NOW + 10.0, 0, changes.ON, "", NOW), 0)
    assert account.examine("m", NOW) == Obstacle(Shortage.MODEL, NOW + 10.0)
    account.adopt(Change("a", "model:m", None, 0, changes.ON, "", NOW), 0)
    account.adopt(Change("a", "model:m", NOW, 0, changes.OFF, "", NOW), 0)
    assert account.examine("m", NOW) is Fit.HEALTHY
