from cwproxy.accounts.pool.load import Load
from cwproxy.accounts.pool.members import Member
from cwproxy.accounts.pool.policy import Policy


def load(limit: int = 8, **models: int) -> Load:
    return Load(Member("a", "A", in_flight_limit=limit, model_limits=models), Policy())


def test_calls_are_counted_in_all_and_by_model() -> None:
    each = load(3, m=1)
    each.begin("m")
    assert not each.has_room("m")
    assert each.has_room("n")
    each.begin("n")
    each.begin(None)
    assert not each.has_room(None)
    each.end("n")
    assert each.has_room(None)
    assert not each.has_room("m")
    each.begin("n")
    each.begin("n")
    each.end("n")
    each.end("m")
    assert each.has_room("m")
    each.end("n")
    each.end(None)
    assert each.in_flight == 0


def test_a_limit_below_one_is_one() -> None:
    each = load(0, m=0)
    assert each.has_room("m")
    each.begin("m")
    assert not each.has_room("m")


def test_the_limit_halves_and_heals() -> None:
    each = load(8)
    each.throttled()
    each.throttled()
    assert each.allowed == 2
    for _ in range(19):
        each.served()
    assert each.allowed == 3
    each.throttled()
    each.throttled()
    assert each.allowed == 1
    for _ in range(200):
        each.served()
    assert each.allowed == 8
    each.throttled()
    each.reset()
    assert each.allowed == 8


def test_another_limit_keeps_what_was_lowered() -> None:
    each = load(8)
    each.resize(Member("a", "A", in_flight_limit=16))
    assert each.allowed == 16
    each.throttled()
    each.resize(Member("a", "A", in_flight_limit=32))
    assert each.allowed == 8
    each.resize(Member("a", "A", in_flight_limit=4))
    assert (each.allowed, each.limit) == (4, 4)


def test_a_model_that_gets_a_limit_in_mid_call_is_counted_right() -> None:
    each = load(8)
    each.begin("m")
    each.resize(Member("a", "A", model_limits={"m": 1}))
    assert not each.has_room("m")
    each.end("m")
    assert each.has_room("m")


def test_without_a_limit_of_its_own_the_policys_counts() -> None:
    each = Load(Member("a", "A"), Policy(in_flight=100))
    assert each.limit == 100
    each.resize(Member("a", "A", in_flight_limit=2))
    assert each.allowed == 2
    each.resize(Member("a", "A"))
    assert each.allowed == 100
