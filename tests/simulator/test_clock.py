from cwproxy.simulator.clock import Clock


def test_time_is_the_base_plus_what_was_advanced() -> None:
    ticks = iter([100.0, 101.0, 102.0])
    clock = Clock(lambda: next(ticks))
    assert clock.now() == 100.0
    clock.advance(50)
    assert clock.now() == 151.0
    clock.advance(-60)
    assert clock.now() == 92.0
