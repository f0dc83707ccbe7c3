"""Kept answers in both databases: whose they are, how long they stay, and how much there may be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.records import NOW

from cwproxy.store import Database, open_database
from cwproxy.store.responses import SWEEP_SECONDS, Responses


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
    responses.used(["r0", "gone"])
    clock.now += 1
    responses.put("r2", "key-a", b"x" * 40)
    assert kept(database) == ["r0", "r2"]
    clock.now += 98
    assert responses.get("r0", "key-a") is not None


def test_what_is_too_large_for_all_is_not_kept(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=10, wall=clock)
    assert not responses.put("r0", "key-a", b"x" * 11)
    assert kept(database) == []


def test_what_is_old_is_gone_and_then_deleted(database: Database, clock: Clock) -> None:
    responses = Responses(database, keep=100, most_bytes=1_000_000, wall=clock)
    responses.put("old", "key-a", b"x")
    clock.now += 100
    assert responses.get("old", "key-a") is None
    assert not responses.delete("old", "key-a")
    assert responses.put("new", "key-a", b"x")
    assert kept(database) == ["new", "old"]
    clock.now += SWEEP_SECONDS + 1
    assert responses.put("newer", "key-a", b"x")
    assert kept(database) == ["newer"]
