from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.records import NOW, an_account

from cwproxy.store import CoolDown, CoolDowns, Database, Store, open_database
from cwproxy.store.sqlite import SqliteDatabase


def cool_down(account_id: str = "one", scope: str = "account", level: int = 1, until: float | None = NOW) -> CoolDown:
    return CoolDown(account_id, scope, until, level, "cooling", "too many requests", NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return tmp_path / "data" if request.param == "sqlite" else str(request.getfixturevalue("database_url"))


@pytest.fixture
def database(where: Path | str) -> Iterator[Database]:
    database = open_database(where)
    yield database
    database.close()


def test_others_see_each_change_once(database: Database, where: Path | str) -> None:
    other = open_database(where)
    ours, theirs = CoolDowns(database), CoolDowns(other)
    nothing = theirs.since(0)
    assert nothing.changes == ()
    ours.put([cool_down(scope="model-b"), cool_down(scope="model-a")])
    first = theirs.since(nothing.stamp)
    assert first.changes == (cool_down(scope="model-a"), cool_down(scope="model-b"))
    assert theirs.since(first.stamp).changes == ()
    ours.put([cool_down(scope="model-a", level=2, until=None)])
    second = theirs.since(first.stamp)
    assert second.changes == (cool_down(scope="model-a", level=2, until=None),)
    assert set(theirs.since(0).changes) == {*second.changes, cool_down(scope="model-b")}
    other.close()


def test_models_that_nobody_asks_for_any_more_are_forgotten(database: Database) -> None:
    cooldowns = CoolDowns(database)
    lasting = [cool_down(scope="quota", until=NOW - 1e6), cool_down(scope="model:kept", until=NOW)]
    cooldowns.put([*lasting, cool_down(scope="model:invented", until=NOW - 86_401.0)])
    seen = cooldowns.since(0)
    cooldowns.put([cool_down(scope="throttled")])
    assert set(cooldowns.since(0).changes) == {*lasting, cool_down(scope="throttled")}
    assert len(cooldowns.since(seen.stamp).changes) == 1


def test_clocks_that_are_minutes_apart_mean_the_same_moment(tmp_path: Path) -> None:
    """One machine's clock is five minutes ahead of the store's, another's a minute behind it."""

    class Ahead(SqliteDatabase):
        def skew(self) -> float:
            return -300.0

    class Behind(SqliteDatabase):
        def skew(self) -> float:
            return 60.0

    ahead, behind = Ahead(tmp_path / "data"), Behind(tmp_path / "data")
    change = replace(cool_down(until=NOW + 305.0), changed_at=NOW + 300.0)
    lasting = replace(cool_down(scope="quota", until=None), changed_at=NOW + 300.0)
    CoolDowns(ahead).put([change, lasting])
    assert CoolDowns(ahead).since(0).changes == (change, lasting), "its own come back as they were"
    seen = CoolDowns(behind).since(0).changes
    assert [(each.until, each.changed_at) for each in seen] == [(NOW - 55.0, NOW - 60.0), (None, NOW - 60.0)]
    ahead.close()
    behind.close()


def test_nothing_to_say_writes_nothing(database: Database) -> None:
    CoolDowns(database).put([])
    assert CoolDowns(database).since(0).stamp == 0


def test_none_is_passed_over_while_many_write(database: Database, where: Path | str) -> None:
    """A reader that follows the stamps sees every scope, however the writers' transactions end."""

    def write(number: int) -> None:
        other = open_database(where)
        for step in range(10):
            CoolDowns(other).put([cool_down(f"account-{number}", f"scope-{step}")])
        other.close()

    reader, stamp = CoolDowns(database), 0
    seen: list[tuple[str, str]] = []
    with ThreadPoolExecutor(6) as threads:
        writers = [threads.submit(write, number) for number in range(6)]
        while len(seen) < 60 and (not all(writer.done() for writer in writers) or reader.since(stamp).changes):
            news = reader.since(stamp)
            seen += [(change.account_id, change.scope) for change in news.changes]
            stamp = news.stamp
    assert len(seen) == 60
    assert len(set(seen)) == 60


def test_they_go_with_their_account(database: Database) -> None:
    store = Store(database)
    store.add(an_account("one"))
    CoolDowns(database).put([cool_down("one"), cool_down("two")])
    store.remove("one")
    assert CoolDowns(database).since(0).changes == (cool_down("two"),)
