from tests.support.pools import START, Pond

from cwproxy.accounts.pool import FailureClass, Member, Shortage, Standing
from cwproxy.accounts.pool.breaker import Phase

F = FailureClass


def test_an_account_that_does_well() -> None:
    pond = Pond(Member("a", "mine", weight=2.0, fraction_left=0.25, in_flight_limit=3))
    for _ in range(4):
        pond.serve()
    pond.lease()
    report = pond.report("a")
    assert (report.label, report.standing, report.available, report.why) == ("mine", Standing.READY, True, None)
    assert (report.weight, report.fraction_left) == (2.0, 0.25)
    assert (report.in_flight, report.allowed, report.limit) == (1, 3, 3)
    assert (report.requests, report.successes, report.errors, report.error_history) == (4, 4, {}, ())
    assert (report.cool_down_until, report.quota_until, report.quota_probe_at) == (None, None, None)
    assert (report.breaker.phase, report.breaker.until, report.breaker.times) == (Phase.CLOSED, None, 0)
    assert not report.blacklisted


def test_everything_that_is_held_against_an_account_is_visible() -> None:
    pond = Pond("a", "b")
    leases = [pond.lease_on("a", "m") for _ in range(8)]
    kinds = (F.THROTTLED, F.SHORT_QUOTA, F.MODEL_UNKNOWN, *[F.BROKEN_STREAM] * 5)
    for lease, kind in zip(leases, kinds, strict=True):
        pond.fail(lease, kind, reason=kind.name)
    report = pond.report("a")
    assert (report.available, report.why) == (False, Shortage.QUOTA)
    assert (report.requests, report.successes, report.consecutive_errors) == (8, 0, 8)
    assert report.errors == {F.THROTTLED: 1, F.SHORT_QUOTA: 1, F.MODEL_UNKNOWN: 1, F.BROKEN_STREAM: 5}
    assert [past.kind for past in report.error_history] == list(kinds)
    assert report.error_history[0].reason == "THROTTLED"
    assert (report.cool_down_until, report.backoff_level) == (START + 5.0, 0)
    assert report.quota_until == report.quota_probe_at == START + 300.0
    assert (report.breaker.phase, report.breaker.until) == (Phase.OPEN, START + 30.0)
    assert report.forbidden_models == {"m": START + 3600.0}


def test_why_an_account_does_not_serve() -> None:
    pond = Pond(Member("a", "A", in_flight_limit=1), "b", "c")
    pond.lease_on("a")
    for _ in range(5):
        pond.trouble("b", F.BROKEN_STREAM)
    pond.trouble("c", F.SUSPENDED)
    assert [(each.available, each.why, each.blacklisted) for each in pond.pool.report(pond.now)] == [
        (False, None, False),
        (False, Shortage.BREAKER, False),
        (False, Shortage.SUSPENDED, True),
    ]


def test_the_models_of_an_endpoint_are_visible() -> None:
    pond = Pond("a")
    for _ in range(3):
        pond.fail(pond.lease("m"), F.CAPACITY)
    endpoint = pond.pool.endpoints(pond.now)[0]
    assert endpoint.models["m"].phase is Phase.OPEN
    assert endpoint.models["m"].until == START + 10.0
    assert endpoint.breaker.phase is Phase.CLOSED
