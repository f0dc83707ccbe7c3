"""The recorder of a server: statistics at once, the ledger in batches from a thread, off the path of any request.

A ledger that cannot be written holds up nothing: records wait for it, at most `MOST_WAITING` of them, and are tried
again. What clients have left is recorded like the rest, and `aclose` writes what is left over.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import msgspec

from cwproxy.accounts.statistics import Statistics
from cwproxy.errors import StoreError
from cwproxy.store.ledger import DAY_SECONDS, Ledger, Period, Record
from cwproxy.store.threads import begun_in_store

log = logging.getLogger("cwproxy.accounts")

GATHER_SECONDS: Final = 0.5
"""From the first record of a batch until it is written."""

SPENT_SECONDS: Final = 10.0
"""How old the credits may be that other processes have used."""

LATE_SECONDS: Final = 120.0
"""How long after its end a record is in the ledger at the latest, mostly."""

BASE_SECONDS: Final = 900.0
"""After which those that came later still are counted, too."""

IDLE_SECONDS: Final = 3_600.0

MOST_WAITING: Final = 20_000
BATCH: Final = 1_000
FIRST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 30.0
CLOSING_SECONDS: Final = 3.0


class Bookkeeper:
    """A `Recorder`. Use it in one event loop: `start`, then `aclose`. retention_days: how long a record is kept."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        retention_days: int,
        wall: Callable[[], float],
        gather: float = GATHER_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.statistics = Statistics()
        self.dropped = 0
        """Records that the ledger never got."""
        self._ledger = ledger
        self._retention = retention_days * DAY_SECONDS
        self._wall = wall
        self._clock = clock
        self._gather = gather
        self._waiting: list[Record] = []
        self._some = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._spent = _Spent(wall())
        self._base: _Base | None = None
        self._spent_read = float("-inf")
        self._asked = False
        self._pruned: float | None = None
        self._failing = False

    def record(self, record: Record, /) -> None:
        self.statistics.add(record)
        if record.credits and record.key_id is not None:
            self._spent.add(record.key_id, record.credits, record.at)
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(record)
            self._some.set()
        else:
            self.dropped += 1

    @property
    def waiting(self) -> int:
        """Records that are on their way to the ledger."""
        return len(self._waiting)

    def spent(self, key_id: str) -> float:
        """Credits of the running UTC month, with those of other processes as of `SPENT_SECONDS` ago; of longer ago for
        whoever asks first after a pause, because nothing is read that nobody asks for.
        """
        self._asked = True
        if self._spent_is_old():
            self._some.set()
        return self._spent.of(key_id, self._wall())

    async def start(self, *, spending: bool = True) -> None:
        """spending: some key has only so many credits, so what the month has cost so far is read. Raises StoreError."""
        if spending:
            await self._read_spent()
        self._writer = asyncio.create_task(self._write())  # noqa: TID251 - held, and ended by aclose

    async def aclose(self) -> None:
        """Write what is left over, for which there are `CLOSING_SECONDS`; what then remains is said in the log."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                if self._writer is not None:
                    self._writer.cancel()
                    await asyncio.wait([self._writer])
                while self._waiting and await self._flush():
                    pass
        except TimeoutError:
            pass
        lost = self.dropped + len(self._waiting)
        if lost:
            log.warning("%d records of usage could not be written to the ledger", lost)

    async def _write(self) -> None:
        wait = FIRST_BACK_OFF
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._some.wait()
                    await asyncio.sleep(self._gather)
            except TimeoutError:
                pass  # nothing to write, but something may have become too old to be kept
            if await self._flush() and await self._look_around():
                wait = FIRST_BACK_OFF
            else:
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_BACK_OFF)

    async def _flush(self) -> bool:
        """Whether one batch, if there was one, is in the ledger."""
        self._some.clear()
        batch = self._waiting[:BATCH]
        if not batch:
            return True
        writing = begun_in_store(self._ledger.write, batch)
        try:
            # A thread cannot be stopped: whoever is cancelled here has to know whether it has written.
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            if writing.exception() is None:
                del self._waiting[: len(batch)]
            raise
        except StoreError as error:
            self._say(error)
            return False
        self._failing = False
        del self._waiting[: len(batch)]
        if self._waiting:
            self._some.set()
        return True

    async def _look_around(self) -> bool:
        """Read what others have spent and forget what is old, when it is time for that."""
        try:
            if self._asked and self._spent_is_old():
                await self._read_spent()
            if self._pruned is None or self._clock() - self._pruned >= DAY_SECONDS:
                await begun_in_store(self._ledger.prune, before=self._wall() - self._retention)
                self._pruned = self._clock()
        except StoreError as error:
            self._say(error)
            return False
        return True

    async def _read_spent(self) -> None:
        """Not while a batch is being written, because what waits is added to what the ledger has."""
        now = self._wall()
        month = month_of(now)
        base = self._base
        if base is None or base.month != month or not 0 <= now - base.until < BASE_SECONDS:
            until = max(month, now - LATE_SECONDS)
            sums = await begun_in_store(self._ledger.credits_by_key, Period(month, until))
            base = self._base = _Base(month, until, sums)
        late = await begun_in_store(self._ledger.credits_by_key, Period(base.until, float("inf")))
        sums = {key: base.sums.get(key, 0.0) + late.get(key, 0.0) for key in {*base.sums, *late}}
        self._spent.replace(month, sums, self._waiting)
        self._spent_read = self._clock()
        self._asked = False

    def _spent_is_old(self) -> bool:
        return self._clock() - self._spent_read >= SPENT_SECONDS

    def _say(self, error: StoreError) -> None:
        """Once for each time that it begins."""
        if not self._failing:
            log.warning("usage cannot be written to the ledger and waits (%s)", error.message)
        self._failing = True


class _Base(msgspec.Struct, frozen=True):
    """What a month had cost until a moment, so that not all of it is added up again every time."""

    month: float
    until: float
    sums: Mapping[str, float]


class _Spent:
    """Credits by key, of the month that `now` is in. Times are epoch seconds."""

    def __init__(self, now: float) -> None:
        self._end = next_month(now)
        self._sums: defaultdict[str, float] = defaultdict(float)

    def add(self, key_id: str, credits: float, now: float) -> None:
        self._turn_over(now)
        self._sums[key_id] += credits

    def of(self, key_id: str, now: float) -> float:
        self._turn_over(now)
        return self._sums.get(key_id, 0.0)

    def replace(self, month: float, written: dict[str, float], unwritten: list[Record]) -> None:
        self._end = next_month(month)
        self._sums = defaultdict(float, written)
        for record in unwritten:
            if record.key_id is not None and record.credits and record.at >= month:
                self._sums[record.key_id] += record.credits

    def _turn_over(self, now: float) -> None:
        if now >= self._end:
            self._end = next_month(now)
            self._sums.clear()


def month_of(now: float) -> float:
    """Epoch seconds of the start of the UTC month."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def next_month(now: float) -> float:
    """Epoch seconds of the start of the next UTC month."""
    return month_of(month_of(now) + 32 * DAY_SECONDS)
