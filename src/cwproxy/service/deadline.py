"""The reads of one answer until its end, or until the request has taken as long as it may."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from cwproxy.errors import BackendTimeout
from cwproxy.reply import ReplyEvent
from cwproxy.upstream.reading import Reading

LAST_SECONDS = 200.0
"""Before the deadline, in which each read has a timer; before that the upstream's own limit of silence is enough."""


async def batches(
    reads: AsyncIterator[bytes], reading: Reading, clock: Callable[[], float], deadline: float
) -> AsyncGenerator[list[ReplyEvent], None]:
    """What `reading` makes of `reads`. Raises BackendTimeout at `deadline`, in seconds of `clock`."""
    while True:
        left = deadline - clock()
        data = await (anext(reads, None) if left > LAST_SECONDS else _next(reads, left))
        if data is None:
            break
        for batch in reading.feed(data):
            yield batch
        if reading.over:
            return
    yield reading.finish()


async def _next(reads: AsyncIterator[bytes], left: float) -> bytes | None:
    try:
        async with asyncio.timeout(left):
            if left > 0:
                return await anext(reads, None)
    except TimeoutError:
        pass
    raise BackendTimeout("The answer took longer than a whole request may.", reason="deadline")
