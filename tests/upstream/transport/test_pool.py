"""Which connections wait, which are lent, which are closed. Sockets are pairs; time passes by moving `idle_since`."""

import asyncio
import socket

import pytest
from tests.support.waiting import until

from cwproxy.upstream.transport.connection import Connection, Origin
from cwproxy.upstream.transport.pool import IDLE_LIMIT, IDLE_SECONDS, Pool

pytestmark = pytest.mark.anyio

HERE, THERE = Origin(False, "127.0.0.1", 80), Origin(False, "127.0.0.1", 81)


async def opened(pool: Pool, origin: Origin = HERE) -> tuple[Connection, socket.socket]:
    """A connection that the pool knows, and its other end."""
    near, far = socket.socketpair()
    near.setblocking(False)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(origin, pool.closed), sock=near)
    pool.add(connection)
    return connection, far


async def test_the_latest_is_lent_first_and_only_to_its_origin() -> None:
    pool = Pool()
    (one, far), (two, far_two), (other, far_other) = await opened(pool), await opened(pool), await opened(pool, THERE)
    for connection in (one, two, other):
        pool.put(connection)
    assert pool.take(THERE) is other
    assert [pool.take(HERE), pool.take(HERE), pool.take(HERE)] == [two, one, None]
    assert pool.take(Origin(True, "x", 443)) is None
    pool.close()
    await until(lambda: not pool._open)
    for end in (far, far_two, far_other):
        end.close()


async def test_no_more_than_enough_wait() -> None:
    pool = Pool()
    pairs = [await opened(pool) for _ in range(IDLE_LIMIT + 3)]
    for connection, _ in pairs:
        pool.put(connection)
    await until(lambda: len(pool._open) == IDLE_LIMIT)
    assert [connection.closed for connection, _ in pairs[-4:]] == [False, True, True, True]
    pool.close()
    for _, far in pairs:
        far.close()
    await asyncio.sleep(0)


async def test_the_old_are_closed_in_time() -> None:
    pool = Pool(sweep=0.02)
    (old, far), (young, far_young) = await opened(pool), await opened(pool)
    pool.put(old)
    pool.put(young)
    old.idle_since -= IDLE_SECONDS + 1
    await until(lambda: old.closed)
    assert not young.closed
    young.idle_since -= IDLE_SECONDS + 1
    await until(lambda: not pool._open)
    assert pool.take(HERE) is None
    assert pool._timer is None
    far.close()
    far_young.close()


async def test_an_end_that_the_loop_has_not_told_yet_is_noticed() -> None:
    pool = Pool()
    connection, far = await opened(pool)
    pool.put(connection)
    connection.idle_since -= 2.0
    far.close()
    assert pool.take(HERE) is None
    assert connection.closed
    await until(lambda: not pool._open)


async def test_an_idle_connection_that_ends_is_forgotten() -> None:
    pool = Pool()
    connection, far = await opened(pool)
    pool.put(connection)
    far.close()
    await until(lambda: not pool._open)
    assert pool.take(HERE) is None
    pool.close()


async def test_one_that_is_quiet_is_lent_after_long() -> None:
    pool = Pool()
    connection, far = await opened(pool)
    pool.put(connection)
    connection.idle_since -= 20.0
    assert pool.take(HERE) is connection
    pool.close()
    await until(lambda: not pool._open)
    far.close()


async def test_one_that_has_grown_old_while_the_machine_slept_is_not_lent() -> None:
    """Timers do not go on then, so that nobody has swept it away."""
    now = 1000.0
    pool = Pool(clock=lambda: now)
    connection, far = await opened(pool)
    pool.put(connection)
    now += IDLE_SECONDS + 1.0
    assert pool.take(HERE) is None
    await until(lambda: not pool._open)
    far.close()
