import pytest

from cwproxy.accounts.pool.members import Standing
from cwproxy.accounts.pool.standings import BELIEVED, SUSPENSION_BELIEVED, StandingRecord

READY, SUSPENDED, NEEDS_LOGIN = Standing.READY, Standing.SUSPENDED, Standing.NEEDS_LOGIN


def test_a_finding_counts_until_the_store_knows_it() -> None:
    record = StandingRecord(READY)
    assert record.find(NEEDS_LOGIN, 0.0)
    assert not record.find(NEEDS_LOGIN, 0.0)
    record.say(READY, 1.0)
    assert record.standing is NEEDS_LOGIN
    record.say(NEEDS_LOGIN, 2.0)
    assert record.standing is NEEDS_LOGIN
    record.say(READY, 3.0)
    assert record.standing is READY


@pytest.mark.parametrize(("found", "patience"), [(NEEDS_LOGIN, BELIEVED), (SUSPENDED, SUSPENSION_BELIEVED)])
def test_a_finding_that_the_store_never_learns_is_given_up(found: Standing, patience: float) -> None:
    record = StandingRecord(READY)
    record.find(found, 0.0)
    record.say(READY, patience)
    assert record.standing is found
    record.say(READY, patience + 1.0)
    assert record.standing is READY


def test_what_a_person_has_disabled_stays_so() -> None:
    record = StandingRecord(Standing.DISABLED)
    assert not record.find(READY, 0.0)
    record = StandingRecord(READY)
    record.find(SUSPENDED, 0.0)
    record.say(Standing.DISABLED, 1.0)
    assert record.standing is Standing.DISABLED


def test_recovery_counts_before_the_store_knows_it() -> None:
    record = StandingRecord(SUSPENDED)
    assert record.find(READY, 0.0)
    record.say(SUSPENDED, 1.0)
    assert record.standing is READY
    record.say(READY, 2.0)
    record.say(SUSPENDED, 3.0)
    assert record.standing is SUSPENDED


def test_a_finding_after_another_is_news() -> None:
    record = StandingRecord(READY)
    record.find(NEEDS_LOGIN, 0.0)
    assert record.find(SUSPENDED, 0.0)
    record.shift(100.0)
    record.say(READY, SUSPENSION_BELIEVED - 99.0)
    assert record.standing is READY


def test_what_is_firm_is_changed_by_nobody() -> None:
    record = StandingRecord(Standing.MISCONFIGURED, firm=True)
    assert not record.find(READY, 0.0)
    assert record.standing is Standing.MISCONFIGURED
    record.say(READY, 1.0)
    assert record.find(SUSPENDED, 2.0)
    record.say(Standing.MISCONFIGURED, 3.0, firm=True)
    assert record.standing is Standing.MISCONFIGURED


@pytest.mark.parametrize("straggler", [NEEDS_LOGIN, Standing.MISCONFIGURED])
def test_suspended_stays_so_until_a_person_says_otherwise(straggler: Standing) -> None:
    record = StandingRecord(READY)
    assert record.find(SUSPENDED, 0.0)
    assert not record.find(straggler, 1.0)
    assert record.standing is SUSPENDED
    assert record.find(READY, 2.0)
