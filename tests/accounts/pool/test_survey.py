from cwproxy.accounts.pool.endpoints import Endpoint
from cwproxy.accounts.pool.members import Member, Shortage
from cwproxy.accounts.pool.policy import Policy
from cwproxy.accounts.pool.states import Fit, MemberState, Obstacle
from cwproxy.accounts.pool.survey import Survey


def account(name: str) -> MemberState:
    return MemberState(Member(name, name), Endpoint("", Policy()), Policy(), turn=0.0)


def survey(**found: Fit | Obstacle) -> Survey:
    made = Survey()
    for name, fit in found.items():
        made.add(account(name), fit, tried=name.startswith("tried"))
    return made


def best(made: Survey, *, first: bool) -> list[str]:
    return [each.member.id for each in made.candidates(first=first)]


def test_a_first_attempt_may_be_the_probe_and_a_second_only_at_last() -> None:
    made = survey(a=Fit.HEALTHY, b=Fit.PROBE, c=Fit.SUSPECT, d=Fit.BUSY)
    assert best(made, first=True) == ["a", "b"]
    assert best(made, first=False) == ["a"]
    made = survey(b=Fit.PROBE, c=Fit.SUSPECT)
    assert best(made, first=True) == ["b"]
    assert best(made, first=False) == ["c"]
    assert best(survey(b=Fit.PROBE), first=False) == ["b"]
    assert best(survey(c=Fit.SUSPECT), first=True) == ["c"]
    assert best(survey(d=Fit.BUSY), first=True) == []


def test_an_open_account_is_lone_without_any_alternative() -> None:
    assert survey(a=Fit.OPEN).lone
    assert survey(a=Fit.OPEN, b=Obstacle(Shortage.QUOTA), c=Obstacle(Shortage.MODEL)).lone
    assert not survey(a=Fit.OPEN, b=Fit.OPEN).lone
    assert not survey(a=Fit.OPEN, b=Obstacle(Shortage.THROTTLED, 5.0)).lone
    assert not survey(a=Fit.OPEN, tried=Fit.HEALTHY).lone
    assert not survey(tried=Fit.OPEN).lone


def test_what_was_tried_is_its_own_reason_unless_it_has_another() -> None:
    made = survey(tried=Fit.HEALTHY, tried_too=Obstacle(Shortage.THROTTLED, 5.0))
    assert [each.shortage for each in made.obstacles] == [Shortage.TRIED, Shortage.THROTTLED]
