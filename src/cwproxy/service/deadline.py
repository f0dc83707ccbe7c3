"""The reads of one answer until its end, or until the request has taken as long as it may.

What ends an answer is in its frames. Where these have told its end, nothing that happens to the stream afterwards makes
it a failure: neither a connection that breaks nor one that is held open (backend-rules.md B8).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

from cwproxy.errors import BackendTimeout, BackendUnavailable
from cwproxy.reply import ReplyEvent
from cwproxy.upstream.reading import Reading

LAST_SECONDS: Final = 200.0
"""Before the deadline, in which each read has a timer; before that the upstream's own limit of silence is enough."""

GRACE_SECONDS: Final = 5.0
"""What may come after the end of an answer, its counts, is waited for so long."""


async def batches(
    reads: AsyncIterator[bytes], reading: Reading, clock: Callable[[], float], deadline: float
) -> AsyncGenerator[list[ReplyEvent], None]:
    """What `reading` makes of `reads`. Raises BackendTimeout at `deadline`, in seconds of `clock`, and what `reads`
    raises, except where the answer is whole by then.
    """
    assembler = reading.assembler
    while True:
        left = deadline - clock()
        try:
            data = await (anext(reads, None) if left > LAST_SECONDS else _next(reads, left))
        except BackendUnavailable:
            if not reading.whole:
                raise
            data = None
        if data is None:
            break
        for batch in reading.feed(data):
            yield batch
        if reading.over:
            return
        if assembler.over:
            deadline = min(deadline, clock() + GRACE_SECONDS)
    yield reading.finish()


async def _next(reads: AsyncIterator[bytes], left: float) -> bytes | None:
    try:
        async with asyncio.timeout(left):
            if left > 0:
                return await anext(reads, None)
    except TimeoutError:
        pass
    raise passed()


def passed() -> BackendTimeout:
    return BackendTimeout("The answer took longer than a whole request may.", reason="deadline")
