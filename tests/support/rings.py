"""A key ring with one key of each kind, without a store that changes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.records import NOW

from cwproxy.accounts.keyring import KeyRing, Spending
from cwproxy.store import open_database
from cwproxy.store.keys import KeyKind, KeyLimits, Keys, new_key


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys in clear; `limited` has what was asked for."""

    ring: KeyRing
    limited: str
    other: str
    admin: str


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
