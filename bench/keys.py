"""`python -m bench.keys`: what a key, its limits and the record of an attempt add to a request, in processor time.

The request path is measured alone; the ledger's thread is measured by what it takes for a row.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.types import Scope

from cwproxy.accounts.bookkeeping import BATCH, Bookkeeper
from cwproxy.accounts.keyring import KeyRing
from cwproxy.api.access import AccessPolicy
from cwproxy.api.exchange import begin
from cwproxy.store import open_database
from cwproxy.store.keys import KeyLimits, Keys, digest_of, id_of, new_key
from cwproxy.store.ledger import Dimension, Ledger, Period, Record

KEYS = 50
ROUNDS = 5_000
ROWS = 100_000
LIMITS = KeyLimits(requests_per_minute=10_000_000, in_flight=1_000, monthly_credits=1e9)


async def least(measure: Callable[[], Awaitable[None]], rounds: int = ROUNDS) -> float:
    """Microseconds of the main thread for one round, of the best of five runs."""
    best = float("inf")
    for _ in range(5):
        started = time.thread_time()
        for _ in range(rounds):
            await measure()
        best = min(best, time.thread_time() - started)
        await asyncio.sleep(0)
    return best / rounds * 1e6


def a_record(key_id: str, number: int = 0) -> Record:
    return Record(
        at=time.time() - number,
        account_id=f"account-{number % 10}",
        model=f"model-{number % 4}",
        outcome="served" if number % 10 else "failed",
        seconds=1 + number % 7,
        key_id=key_id,
        failure_class=None if number % 10 else "throttled",
        first_seconds=0.5,
        input_tokens=100,
        output_tokens=20,
        credits=0.01,
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        database = open_database(Path(name) / "data")
        keys = Keys(database)
        shown = ""
        for number in range(KEYS):
            key, secret = new_key(f"key {number}", now=time.time(), limits=LIMITS, models=frozenset({"auto"}))
            keys.add(key)
            shown = secret.reveal()
        books = Bookkeeper(Ledger(database), retention_days=90, wall=time.time)
        await books.start()
        ring = KeyRing((), keys, spending=books, capacity=lambda: 80)
        await ring.start()
        policy = AccessPolicy.of(ring=ring)
        headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {shown}".encode()), (b"accept", b"*/*")]
        scope: Scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
        key_id = id_of(digest_of(shown))

        async def bare() -> None:
            begin(asked := dict(scope))
            Request(asked)

        async def checked() -> None:
            exchange = begin(asked := dict(scope))
            request = Request(asked)
            known = await policy.admit(request)
            policy.charge(request, known)
            assert known is not None
            known.caller.check("auto", "auto")
            assert exchange.release is not None
            exchange.release()

        async def recorded() -> None:
            books.record(a_record(key_id))

        check = await least(checked) - await least(bare)
        record = await least(recorded, BATCH)
        await books.aclose()
        await ring.aclose()
        print(f"key, limits and models {check:.1f} us, record {record:.1f} us: {check + record:.1f} us for a request")
        ledger = Ledger(database)
        started = time.thread_time()
        for first in range(0, ROWS, BATCH):
            ledger.write([a_record(key_id, number) for number in range(first, first + BATCH)])
        print(f"ledger's thread: {(time.thread_time() - started) / ROWS * 1e6:.0f} us for a row")
        started = time.thread_time()
        ledger.summaries(Period(0, time.time()), (Dimension.ACCOUNT, Dimension.MODEL))
        print(f"{ROWS} rows by account and model: {time.thread_time() - started:.2f} s")
        database.close()


if __name__ == "__main__":
    asyncio.run(main())
