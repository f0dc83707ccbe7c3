from cwproxy.accounts.pool.members import Member, Standing
from cwproxy.store import AccountState


def test_every_state_of_the_store_is_a_standing() -> None:
    assert {state.value for state in AccountState} | {"disabled"} == {standing.value for standing in Standing}


def test_an_account_of_which_nothing_is_known_may_serve_anything() -> None:
    member = Member("a", "A")
    assert (member.standing, member.models, member.weight, member.in_flight_limit) == (Standing.READY, None, 1.0, None)
