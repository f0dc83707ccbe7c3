"""The end of the server reaches every open answer once."""

from cwproxy.api.drain import Drain


def test_begin_only_turns_readiness_off() -> None:
    drain, ended = Drain(), list[str]()
    drain.add(lambda: ended.append("a"))
    drain.begin()
    assert drain.draining
    assert ended == []


def test_cut_tells_whoever_is_still_open_once() -> None:
    drain, ended = Drain(), list[str]()

    def first() -> None:
        ended.append("first")
        drain.discard(first)

    def second() -> None:
        ended.append("second")

    drain.add(first)
    drain.add(second)
    assert drain.open == 2
    drain.discard(second)
    assert drain.open == 1
    drain.cut()
    drain.cut()
    assert ended == ["first"]
