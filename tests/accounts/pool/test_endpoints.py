from cwproxy.accounts.pool.breaker import Fact, Phase
from cwproxy.accounts.pool.endpoints import MODELS, Endpoint
from cwproxy.accounts.pool.policy import Policy


def fact(number: int, now: float = 0.0) -> Fact:
    return Fact(number, number, now, 0.5)


def endpoint() -> Endpoint:
    return Endpoint("host", Policy())


def test_five_failed_connections_in_a_row_open_it() -> None:
    one = endpoint()
    for number in range(1, 5):
        one.unreachable(fact(number))
    one.reached(5, 0.0)
    for number in range(6, 10):
        one.unreachable(fact(number))
    assert one.breaker.phase(0.0) is Phase.CLOSED
    one.unreachable(fact(10))
    assert one.breaker.phase(4.9) is Phase.OPEN
    assert one.breaker.phase(5.0) is Phase.DUE
    one.reached(11, 5.0)
    assert one.breaker.phase(5.0) is Phase.CLOSED


def test_a_server_fault_between_shows_that_it_can_be_reached() -> None:
    one = endpoint()
    for number in range(1, 5):
        one.unreachable(fact(number))
    one.ailing(fact(5), account="a", usable=9)
    one.unreachable(fact(6))
    assert one.breaker.phase(0.0) is Phase.CLOSED


def test_server_faults_open_it_when_all_accounts_have_seen_them() -> None:
    one = endpoint()
    for number, account in enumerate("aaaaaa", start=1):
        assert one.ailing(fact(number), account=account, usable=2) == set()
    assert one.ailing(fact(7), account="b", usable=2) == {"a", "b"}
    assert one.breaker.phase(0.0) is Phase.OPEN


def test_with_many_accounts_five_are_enough() -> None:
    one = endpoint()
    blamed = [one.ailing(fact(number), account=account, usable=10) for number, account in enumerate("abcde", start=1)]
    assert blamed == [set(), set(), set(), set(), set("abcde")]


def test_the_only_account_does_not_open_it() -> None:
    one = endpoint()
    for number in range(1, 20):
        assert one.ailing(fact(number), account="a", usable=1) == set()
    assert one.breaker.phase(0.0) is Phase.CLOSED


def test_a_model_that_answers_closes_its_breaker() -> None:
    one = endpoint()
    for number in range(1, 4):
        one.model("m", 0.0).failed(fact(number))
    one.served("n", 4, 0.0)
    assert one.models["m"].phase(0.0) is Phase.OPEN
    one.served("m", 5, 10.0)
    assert one.models["m"].phase(10.0) is Phase.CLOSED


def test_invented_names_do_not_fill_the_memory() -> None:
    one = endpoint()
    for number in range(1, 4):
        one.model("real", 0.0).failed(fact(number))
    for number in range(3 * MODELS):
        one.model(f"invented-{number}", 0.0).failed(fact(number))
    assert len(one.models) <= MODELS
    assert one.models["real"].opened
    for name in range(3 * MODELS):
        for number in range(name * 3 + 4, name * 3 + 7):
            one.model(f"worse-{name}", 0.0).failed(fact(number))
    assert len(one.models) <= MODELS


def test_the_clock_may_be_set_back() -> None:
    one = endpoint()
    for number in range(1, 6):
        one.unreachable(fact(number, 100.0))
        one.model("m", 100.0).failed(fact(number, 100.0))
    one.shift(50.0)
    assert (one.breaker.until, one.models["m"].until) == (55.0, 60.0)


def test_a_person_can_close_all_of_it() -> None:
    one = endpoint()
    for number in range(1, 6):
        one.unreachable(fact(number))
    for number in range(6, 9):
        one.model("m", 0.0).failed(fact(number))
    one.recover(0.0)
    assert one.breaker.phase(0.0) is Phase.CLOSED
    assert not one.models
    one.unreachable(fact(9))
    assert one.breaker.phase(0.0) is Phase.CLOSED
