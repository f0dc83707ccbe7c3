"""Kept answers in both databases: whose they are, how long they stay, and how much there may be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import NOW

from cwproxy.store import Database, open_database
from cwproxy.store.keys import Keys, new_key
from cwproxy.store.responses import BATCH, Responses


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    opened = open_database(tmp_path / "data" if sqlite else request.getfixturevalue("database_url"))
    yield opened
    opened.close()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kept(database: Database) -> list[str]:
    with database.reading() as statements:
        return [row.text("id") for row in statements.execute("SELECT id FROM response ORDER BY id")]


def test_what_is_put_is_found_by_its_owner_only(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000, wall=clock)
    assert responses.put("one", "key-a", b"\x00body")
    assert responses.put("two", "", b"local")
    assert responses.get("one", "key-a") == b"\x00body"
    assert responses.get("two", "") == b"local"
    for id, owner in (("one", "key-b"), ("one", ""), ("two", "key-a"), ("three", "key-a")):
        assert responses.get(id, owner) is None
        assert not responses.delete(id, owner)
    assert responses.delete("one", "key-a")
    assert responses.get("one", "key-a") is None


def test_the_oldest_goes_first_and_other_owners_lose_nothing(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=100, wall=clock)
    assert responses.put("other", "key-b", b"x" * 100)
    for number in range(5):
        clock.now += 1
        assert responses.put(f"r{number}", "key-a", b"x" * 40)
    assert kept(database) == ["other", "r3", "r4"]


def test_what_is_used_stays(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=100, wall=clock)
    responses.put("r0", "key-a", b"x" * 40)
    clock.now += 1
    responses.put("r1", "key-a", b"x" * 40)
    clock.now += 1
    responses.used(["r0", "gone"], "key-a")
    responses.used(["r1"], "key-b")
    clock.now += 1
    responses.put("r2", "key-a", b"x" * 40)
    assert kept(database) == ["r0", "r2"]
    clock.now += 98
    assert responses.get("r0", "key-a") is not None


def test_what_is_followed_lives_as_long_as_what_follows(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000_000, wall=clock)
    responses.put("r0", "key-a", b"x")
    clock.now += 50
    assert responses.put("r1", "key-a", b"x", "r0")
    clock.now += 40
    responses.used(["r1"], "key-a")
    clock.now += 50
    assert responses.put("r2", "key-a", b"x", "r1")
    assert all(responses.get(id, "key-a") for id in ("r0", "r1", "r2"))
    clock.now += 99
    assert responses.get("r0", "key-a")
    clock.now += 1
    responses.sweep()
    assert kept(database) == []


@pytest.mark.parametrize(("previous", "owner"), [("gone", "key-a"), ("r0", "key-b")])
def test_nothing_follows_what_is_not_there(database: Database, clock: Clock, previous: str, owner: str) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000, wall=clock)
    responses.put("r0", "key-a", b"x")
    assert not responses.put("r1", owner, b"x", previous)
    assert kept(database) == ["r0"]


def test_what_is_deleted_stays_as_the_past_of_others(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000, wall=clock)
    for id, previous in (("r0", None), ("r1", "r0"), ("r2", "r1"), ("s1", "r0")):
        assert responses.put(id, "key-a", id.encode(), previous)
    assert responses.delete("r0", "key-a")
    assert not responses.delete("r0", "key-a")
    assert responses.get("r0", "key-a") is None
    assert responses.get("r0", "key-a", past=True) == b"r0"
    assert responses.delete("r1", "key-a")
    assert kept(database) == ["r0", "r1", "r2", "s1"]
    assert responses.delete("r2", "key-a")
    assert kept(database) == ["r0", "s1"]
    assert responses.delete("s1", "key-a")
    assert kept(database) == []


def test_a_conversation_goes_as_a_whole(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=100, wall=clock)
    responses.put("r0", "key-a", b"x" * 30)
    clock.now += 1
    assert responses.put("r1", "key-a", b"x" * 30, "r0")
    clock.now += 1
    assert responses.put("s0", "key-a", b"x" * 50)
    assert kept(database) == ["s0"]
    clock.now += 1
    assert not responses.put("s1", "key-a", b"x" * 60, "s0")
    assert kept(database) == []


def test_what_is_too_large_for_all_is_not_kept(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=10, wall=clock)
    assert not responses.put("r0", "key-a", b"x" * 11)
    assert kept(database) == []


def test_what_is_old_is_gone_and_then_deleted(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000_000, wall=clock)
    for number in range(BATCH + 1):
        responses.put(f"old{number}", "key-a", b"x")
    clock.now += 100
    assert responses.get("old0", "key-a") is None
    assert not responses.delete("old0", "key-a")
    assert responses.put("new", "key-a", b"x")
    responses.sweep()
    assert kept(database) == ["new"]


def test_lower_bounds_count_for_what_is_there(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=1_000, most_bytes=1_000, wall=clock)
    for owner in ("key-a", "key-b"):
        responses.put(f"old-{owner}", owner, b"x" * 60)
        clock.now += 1
        responses.put(f"new-{owner}", owner, b"x" * 60)
    Responses(database, keep=1_000, most_bytes=100, wall=clock).sweep()
    assert kept(database) == ["new-key-a", "new-key-b"]
    shorter = Responses(database, keep=10, most_bytes=100, wall=clock)
    shorter.sweep()
    clock.now += 10
    shorter.sweep()
    assert kept(database) == []


def test_nothing_is_left_where_nothing_is_to_be_kept(database: Database, clock: Clock) -> None:
    Responses(database, keep=1_000, most_bytes=1_000, wall=clock).put("r0", "", b"x")
    Responses(database, keep=0, most_bytes=1_000, wall=clock).sweep()
    assert kept(database) == []


def test_a_revoked_keys_answers_go(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=1_000, most_bytes=1_000, wall=clock)
    keys = Keys(database)
    key, _ = new_key("laptop", now=NOW)
    keys.add(key)
    for owner in (key.id, "key-of-the-settings"):
        responses.put(f"r-{owner}", owner, b"x")
    assert not keys.forget(key.id)
    assert len(kept(database)) == 2
    assert keys.revoke(key.id, now=NOW)
    assert kept(database) == ["r-key-of-the-settings"]
    responses.put("on its way", key.id, b"x")
    responses.sweep()
    assert kept(database) == ["r-key-of-the-settings"]
    responses.put("later still", key.id, b"x")
    assert keys.forget(key.id)
    assert kept(database) == ["r-key-of-the-settings"]


def test_what_no_id_can_be_is_not_found(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=1_000, most_bytes=1_000, wall=clock)
    assert responses.get("resp_\0", "key-a") is None
    assert not responses.delete("resp_\0", "key-a")
