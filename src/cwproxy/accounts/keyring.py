"""The API keys that this process knows: those of the settings, and those of the store, read again every second.

So a key that is made or revoked anywhere is known everywhere within two seconds. While the store cannot be read the
keys that were read last stay in force, for five minutes: after that nobody knows which of them has been revoked
(reliability.md 3G 136). What is not found then may still be a key (`KeyRing.judges`).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from hmac import compare_digest
from time import monotonic
from typing import Final, Protocol

import msgspec

from cwproxy.accounts.callers import Caller
from cwproxy.accounts.metering import Meter
from cwproxy.errors import StoreError
from cwproxy.store.keys import ApiKey, KeyKind, KeyLimits, Keys, digest_of, id_of
from cwproxy.store.threads import in_store

log = logging.getLogger("cwproxy.accounts")

POLL_SECONDS: Final = 1.0

STALE_SECONDS: Final = 300.0
"""How long keys that cannot be read again are believed."""

_HEAD = 8
"""Bytes of a digest by which a key is looked up; all of it is then compared in constant time."""


class Spending(Protocol):
    """Of the bookkeeper."""

    def spent(self, key_id: str) -> float:
        """Credits of the running UTC month."""


class _Free:
    """Where nothing is kept, nothing is spent."""

    def spent(self, key_id: str) -> float:
        return 0.0


class KnownKey(msgspec.Struct, frozen=True):
    """A key that is in force. name: as the operator calls it."""

    caller: Caller
    name: str
    kind: KeyKind
    digest: bytes
    meter: Meter


class KeyRing:
    """configured: keys in clear, of the settings. keys: of the store; without it there are no others.
    demanding: clients need a key even when there is none. capacity: requests that all accounts together can take, None
    or 0 where that is not known.
    """

    def __init__(
        self,
        configured: Iterable[str] = (),
        keys: Keys | None = None,
        *,
        demanding: bool = False,
        spending: Spending | None = None,
        capacity: Callable[[], int | None] = lambda: None,
        poll: float = POLL_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._keys = keys
        self._demanding = demanding
        self._spending = spending or _Free()
        self._capacity = capacity
        self._poll = poll
        self._clock = clock
        self._read_at = clock()
        self._stored: list[ApiKey] = []
        self._poller: asyncio.Task[None] | None = None
        self._failing = self._stale = False
        self._configured = [self._known(digest_of(key), "of the settings") for key in configured]
        self._by_head: dict[bytes, KnownKey] = {}
        self._clients = 0
        self._rebuild()

    @property
    def required(self) -> bool:
        """Whether a client has to show a key: once there has been one it stays so, because revoking the last one is
        not meant to open the door.
        """
        stored = any(key.kind is KeyKind.CLIENT for key in self._stored)
        return self._demanding or bool(self._configured) or stored

    @property
    def has_clients(self) -> bool:
        """Whether any client can be let in by a key."""
        return self._clients > 0

    @property
    def judges(self) -> bool:
        """Whether a key that is not found is none: while the store cannot be read, it may be one of its keys."""
        return not self._failing

    @property
    def spends(self) -> bool:
        """Whether any key in force has only so many credits."""
        return any(key.meter.limits.monthly_credits is not None for key in self._by_head.values())

    def find(self, digest: bytes) -> KnownKey | None:
        """The key of that SHA-256, if it is in force."""
        known = self._by_head.get(digest[:_HEAD])
        return known if known is not None and compare_digest(known.digest, digest) else None

    def known(self, key_id: str) -> KnownKey | None:
        return next((key for key in self._by_head.values() if key.caller.key_id == key_id), None)

    async def start(self) -> None:
        """Read the store for the first time. Raises StoreError."""
        if self._keys is not None:
            await self._read(self._keys)
            self._poller = asyncio.create_task(self._watch(self._keys))  # noqa: TID251 - held, and ended by aclose

    async def aclose(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])

    async def _watch(self, keys: Keys) -> None:
        while True:
            await asyncio.sleep(self._poll)
            try:
                await self._read(keys)
                self._failing = False
            except StoreError as error:
                if not self._failing:
                    log.warning("the API keys cannot be read again, the known ones stay (%s)", error.message)
                self._failing = True
                self._forget_what_is_stale()

    def _forget_what_is_stale(self) -> None:
        """`required` stays what it was: the keys are forgotten, not that there are some."""
        if not self._stale and self._clock() - self._read_at >= STALE_SECONDS:
            log.error(
                "the API keys could not be read for %d s: those of the store are told to come back", STALE_SECONDS
            )
            self._stale = True
            self._rebuild()

    async def _read(self, keys: Keys) -> None:
        stored = await in_store(keys.all)
        self._read_at = self._clock()
        if stored != self._stored or self._stale:
            self._stored, self._stale = stored, False
            self._rebuild()

    def _rebuild(self) -> None:
        """A key that stays keeps its meter, so that no limit begins anew."""
        before = self._by_head
        fresh = {key.digest[:_HEAD]: key for key in self._configured}
        for stored in self._stored:
            if stored.revoked_at is None and not self._stale:
                last = before.get(stored.digest[:_HEAD])
                fresh[stored.digest[:_HEAD]] = self._known_again(stored, last)
        self._by_head = fresh
        self._clients = sum(key.kind is KeyKind.CLIENT for key in fresh.values())

    def _known_again(self, stored: ApiKey, last: KnownKey | None) -> KnownKey:
        caller = Caller(stored.id, stored.id, stored.models, stored.buffered)
        meter = last.meter if last is not None else self._meter(stored.id, stored.digest)
        meter.limits = stored.limits
        return KnownKey(caller, stored.name, stored.kind, stored.digest, meter)

    def _known(self, digest: bytes, name: str) -> KnownKey:
        key_id = id_of(digest)
        return KnownKey(Caller(key_id, key_id), name, KeyKind.CLIENT, digest, self._meter(key_id, digest))

    def _meter(self, key_id: str, digest: bytes) -> Meter:
        return Meter(KeyLimits(), spent=lambda: self._spending.spent(key_id), share=lambda: self._share(digest))

    def _share(self, digest: bytes) -> int | None:
        """Of several keys each has half of all while others are at work (reliability.md 1.8). While none is it may have
        everything, but not the queue too, which would keep out whoever comes next. A single key has no bound.
        """
        capacity = self._capacity()
        if not capacity or self._clients < 2:
            return None
        alone = not any(key.meter.in_flight and key.digest != digest for key in self._by_head.values())
        return capacity if alone else max(1, capacity // 2)
