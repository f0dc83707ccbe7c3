import sys
from collections.abc import Iterable

import pytest

from cwproxy.api.tidying import Tidying


def given_back(ticks: Iterable[tuple[int, float]]) -> list[float]:
    """When memory was given back, for (running requests, time)."""
    times: list[float] = []
    now = 0.0
    tidying = Tidying(lambda: times.append(now))
    for running, now in ticks:
        tidying.tick(running, now)
    return times


def test_an_idle_server_is_left_alone() -> None:
    assert given_back((0, float(now)) for now in range(100)) == []


def test_after_a_peak_thrice() -> None:
    ticks = [(1000 if now < 10 else 0, now / 2) for now in range(200)]
    assert given_back(ticks) == [6.0, 7.5, 65.0]


def test_after_a_single_request_too() -> None:
    assert given_back([(1, 0.0), (0, 0.1), (0, 1.2), (0, 1.3)]) == [1.2]


def test_a_pause_is_no_end() -> None:
    assert given_back([(10, 0.0), (0, 0.1), (0, 0.9), (10, 1.0), (0, 1.1), (0, 2.0)]) == []


def test_half_of_the_peak_is_enough_and_the_rest_may_go_on() -> None:
    assert given_back([(100, 0.0), (50, 1.0), (40, 2.1), (60, 2.5), (60, 9.0)]) == [2.1]


def test_a_long_tail_is_followed_to_its_end() -> None:
    tail = [(1000, 0.0), *((400, 1 + now / 2) for now in range(8)), *((0, 5 + now / 2) for now in range(8))]
    assert given_back(tail) == [2.0, 3.5, 6.0, 7.5]


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
    tidying.tick(1, 0.0)
    tidying.tick(0, 1.0)
    tidying.tick(0, 3.0)
    assert resident() - before < 10_000_000
    assert kept
