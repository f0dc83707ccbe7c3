import sys
from collections.abc import Callable, Iterable

import pytest

from cwproxy.api.tidying import Tidying


def given_back(ticks: Iterable[tuple[int, float]], begun: Callable[[float], int] = lambda now: 0) -> list[float]:
    """When memory was given back, for (running requests, time)."""
    times: list[float] = []
    now = 0.0
    tidying = Tidying(lambda: times.append(now))
    for running, now in ticks:
        tidying.tick(running, begun(now), now)
    return times


def test_an_idle_server_is_left_alone() -> None:
    assert given_back((0, float(now)) for now in range(100)) == []


def test_after_the_last_request_thrice() -> None:
    ticks = [(1000 if now < 10 else 0, now / 2) for now in range(200)]
    assert given_back(ticks) == [6.0, 7.5, 65.0]


def test_after_a_single_request_that_follows_a_peak() -> None:
    ticks = [(100, 0.0), (0, 1.0), (0, 2.0), (1, 2.5), (0, 3.0), (0, 4.0), (0, 5.5), (0, 6.0)]
    assert given_back(ticks) == [2.0, 4.0, 5.5]


def test_after_one_that_was_too_short_to_be_seen() -> None:
    assert given_back([(0, now / 2) for now in range(10)], lambda now: int(now >= 1.0)) == [2.5, 4.0]


def test_a_pause_is_no_end() -> None:
    assert given_back([(10, 0.0), (0, 0.1), (0, 0.9), (10, 1.0), (0, 1.1), (0, 2.0)]) == []


def test_half_of_the_peak_is_enough_where_there_is_always_something_to_do() -> None:
    assert given_back([(100, 0.0), (50, 1.0), (40, 2.1), (41, 2.5), (41, 9.0)]) == [2.1]


def test_a_long_tail_is_followed_to_its_end() -> None:
    tail = [(1000, 0.0), *((400, 1 + now / 2) for now in range(8)), *((0, 5 + now / 2) for now in range(8))]
    assert given_back(tail) == [2.0, 6.0, 7.5]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in /proc")
def test_what_was_used_is_really_given_back() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    before = resident()
    pieces = [bytearray(b"x" * 100_000) for _ in range(500)]
    kept = bytearray(b"x" * 100_000)  # lies behind them: without a trim their pages stay
    pieces.clear()
    tidying = Tidying()
    tidying.tick(1, 1, 0.0)
    tidying.tick(0, 1, 1.0)
    tidying.tick(0, 1, 3.0)
    assert resident() - before < 10_000_000
    assert kept
