"""The defaults are those of reliability.md 1.8."""

from cwproxy.api.limits import Limits


def test_defaults() -> None:
    limits = Limits()
    assert (limits.body_bytes, limits.body_gap, limits.body_total) == (20 * 1024 * 1024, 10, 60)
    assert (limits.hold, limits.ping) == (10, 15)
