"""Key rings: with one key of each kind, without a store that changes; and with one that goes away."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.fake_clock import FakeClock
from tests.support.records import NOW
from tests.support.waiting import until

from cwproxy.accounts.keyring import KeyRing, Spending
from cwproxy.errors import StoreError
from cwproxy.store import open_database
from cwproxy.store.keys import ApiKey, KeyKind, KeyLimits, Keys, new_key


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys in clear; `limited` has what was asked for."""

    ring: KeyRing
    limited: str
    other: str
    admin: str


class Breakable(Keys):
    broken = False
    reads = 0

    def all(self) -> list[ApiKey]:
        self.reads += 1
        if self.broken:
            raise StoreError("The store is away.")
        return super().all()


@asynccontextmanager
async def an_unreadable_ring(directory: Path, *configured: str, seconds: float) -> AsyncIterator[Ring]:
    """Keys that could not be read again for so long."""
    made = await a_ring(directory)
    database = open_database(directory)
    keys, time = Breakable(database), FakeClock()
    ring = KeyRing(configured, keys, poll=0.01, clock=time.clock.monotonic)
    await ring.start()
    keys.broken = True
    time.advance(seconds)
    reads = keys.reads
    await until(lambda: keys.reads > reads + 1)
    yield replace(made, ring=ring)
    await ring.aclose()
    database.close()


async def a_ring(
    directory: Path,
    limits: KeyLimits | None = None,
    *,
    models: frozenset[str] | None = None,
    spending: Spending | None = None,
    capacity: Callable[[], int | None] = lambda: None,
) -> Ring:
    database = open_database(directory)
    keys = Keys(database)
    made = [
        new_key("limited", now=NOW, limits=limits, models=models),
        new_key("other", now=NOW + 1),
        new_key("admin", now=NOW + 2, kind=KeyKind.ADMIN),
    ]
    for key, _ in made:
        assert keys.add(key)
    ring = KeyRing(keys=keys, spending=spending, capacity=capacity, poll=3600)
    await ring.start()
    await ring.aclose()
    database.close()
    return Ring(ring, *(secret.reveal() for _, secret in made))
