"""Keys that come and go in the store while a server runs, and those of the settings."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.fake_clock import FakeClock
from tests.support.records import NOW
from tests.support.rings import Breakable
from tests.support.waiting import until

from cwproxy.accounts.keyring import STALE_SECONDS, KeyRing
from cwproxy.errors import StoreError
from cwproxy.store import open_database
from cwproxy.store.keys import ApiKey, KeyKind, KeyLimits, Keys, digest_of, new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Breakable]:
    database = open_database(tmp_path / "data")
    yield Breakable(database)
    database.close()


@asynccontextmanager
async def watching(keys: Keys, *configured: str) -> AsyncIterator[KeyRing]:
    ring = KeyRing(configured, keys, poll=0.01)
    await ring.start()
    try:
        yield ring
    finally:
        await ring.aclose()


def made(keys: Keys, name: str = "laptop", **options: object) -> tuple[ApiKey, bytes]:
    key, secret = new_key(name, now=NOW, **options)  # type: ignore[arg-type]
    assert keys.add(key)
    return key, digest_of(secret.reveal())


def test_keys_of_the_settings_are_clients_without_limits() -> None:
    ring = KeyRing(["one", "two"])
    known = ring.find(digest_of("one"))
    assert known is not None
    assert known.kind is KeyKind.CLIENT
    assert known.meter.limits == KeyLimits()
    assert known.caller.models is None
    assert ring.find(digest_of("three")) is None
    assert not ring.spends
    assert ring.required
    assert ring.has_clients


def test_without_any_key_none_is_required_unless_it_is_demanded() -> None:
    assert not KeyRing().required
    assert KeyRing(demanding=True).required
    assert not KeyRing(demanding=True).has_clients


def test_a_digest_that_only_begins_like_a_key_is_none() -> None:
    ring = KeyRing(["one"])
    digest = digest_of("one")
    assert ring.find(digest[:-1] + bytes([digest[-1] ^ 1])) is None


async def test_a_key_is_known_once_it_is_stored_and_no_more_when_it_is_revoked(keys: Breakable) -> None:
    async with watching(keys) as ring:
        assert not ring.required
        key, digest = made(keys, models=frozenset({"auto"}), limits=KeyLimits(in_flight=2), buffered="full")
        await until(lambda: ring.find(digest) is not None)
        known = ring.find(digest)
        assert known is not None
        assert (known.name, known.caller.key_id, known.caller.models) == ("laptop", key.id, frozenset({"auto"}))
        assert known.caller.buffered == "full"
        assert ring.known(key.id) is known
        assert ring.required
        keys.revoke(key.id, now=NOW)
        await until(lambda: ring.find(digest) is None)
        assert ring.required, "the last key's end opens no door"
        assert not ring.has_clients
        keys.forget(key.id)
        await until(lambda: not ring.required)


async def test_an_operators_key_asks_nothing_of_clients(keys: Breakable) -> None:
    _, digest = made(keys, kind=KeyKind.ADMIN)
    async with watching(keys) as ring:
        assert ring.find(digest) is not None
        assert not ring.required


async def test_limits_do_not_begin_anew_when_another_key_is_made(keys: Breakable) -> None:
    _, digest = made(keys, limits=KeyLimits(requests_per_minute=1, monthly_credits=5))
    async with watching(keys) as ring:
        assert ring.spends
        known = ring.find(digest)
        assert known is not None
        assert known.meter.enter(monotonic=0, wall=NOW) is None
        _, other = made(keys, "another")
        await until(lambda: ring.find(other) is not None)
        again = ring.find(digest)
        assert again is not None
        assert again.meter.enter(monotonic=0, wall=NOW) is not None


async def test_while_the_store_is_away_the_known_keys_stay(keys: Breakable, caplog: pytest.LogCaptureFixture) -> None:
    _, digest = made(keys)
    async with watching(keys) as ring:
        keys.broken = True
        reads = keys.reads
        await until(lambda: keys.reads > reads + 3)
        assert ring.find(digest) is not None
        assert not ring.judges
        assert len(caplog.records) == 1
        keys.broken = False
        _, later = made(keys, "later")
        await until(lambda: ring.find(later) is not None)
        assert ring.judges


async def test_keys_that_could_not_be_read_again_for_five_minutes_are_refused(keys: Breakable) -> None:
    _, digest = made(keys)
    time = FakeClock()
    ring = KeyRing(["configured"], keys, poll=0.01, clock=time.clock.monotonic)
    await ring.start()
    keys.broken = True

    async def read_again() -> None:
        before = keys.reads
        await until(lambda: keys.reads > before + 1)

    time.advance(STALE_SECONDS - 1.0)
    await read_again()
    assert ring.find(digest) is not None
    time.advance(2.0)
    await read_again()
    assert ring.find(digest) is None
    assert ring.find(digest_of("configured")) is not None
    assert ring.required
    keys.broken = False
    await until(lambda: ring.find(digest) is not None)
    await ring.aclose()


async def test_a_store_that_is_away_at_the_start_is_an_error(keys: Breakable) -> None:
    keys.broken = True
    ring = KeyRing(keys=keys)
    with pytest.raises(StoreError):
        await ring.start()
    await ring.aclose()


def let_in(ring: KeyRing, name: str) -> int:
    """How many of ten requests."""
    known = ring.find(digest_of(name))
    assert known is not None
    return sum(known.meter.enter(monotonic=0, wall=NOW) is None for _ in range(10))


def test_one_of_several_keys_gets_half_of_what_the_accounts_can_take_while_others_ask() -> None:
    ring = KeyRing(["one", "two"], capacity=lambda: 7)
    assert let_in(ring, "one") == 7, "nobody else is there"
    assert let_in(ring, "two") == 3
    assert let_in(ring, "one") == 0
    known = ring.find(digest_of("two"))
    assert known is not None
    for _ in range(3):
        known.meter.leave()
    assert let_in(ring, "one") == 0, "it has them all"


def test_a_single_key_is_not_bounded() -> None:
    assert let_in(KeyRing(["one"], capacity=lambda: 7), "one") == 10


@pytest.mark.parametrize("capacity", [None, 0])
def test_what_the_accounts_can_take_may_not_be_known_yet(capacity: int | None) -> None:
    known = KeyRing(["one", "two"], capacity=lambda: capacity).find(digest_of("one"))
    assert known is not None
    assert all(known.meter.enter(monotonic=0, wall=NOW) is None for _ in range(10))


def test_the_spending_of_a_key_is_asked_of_the_books() -> None:
    class Books:
        def spent(self, key_id: str) -> float:
            return 3.5 if key_id == known_id else 0.0

    known_id = ""
    ring = KeyRing(["one"], spending=Books())
    known = ring.find(digest_of("one"))
    assert known is not None
    known_id = known.caller.name
    assert known.meter.credits_this_month() == 3.5
