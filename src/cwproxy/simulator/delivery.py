"""How an answer reaches the wire: a list of steps, so that a fault is only another list.

Ordinary steps go through ASGI; `Raw`, `Fin` and `Reset` touch the transport, which the server puts into
`scope["state"]["transport"]` (reliability.md A.5: a reset is SO_LINGER(1, 0) and an abort).
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Receive, Send

_TOO_SHORT_TO_WATCH = 0.05


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers. Without a content-length the body is chunked."""

    status: int
    headers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Data:
    """Body bytes in one write; `frames` counts the whole event-stream frames that end in them."""

    data: bytes
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes for the socket itself, past HTTP."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds of silence; None lasts until the client leaves."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Reset:
    """RST."""


@dataclass(frozen=True, slots=True)
class Fin:
    """FIN, without the end that HTTP would have needed."""


@dataclass(frozen=True, slots=True)
class End:
    """The proper end of the body."""


Step = Head | Data | Raw | Pause | Reset | Fin | End


@dataclass(slots=True)
class Progress:
    """What became of an answer. ended: `complete`, `reset`, `fin`, `client left`, or `running` until then."""

    frames: int = 0
    ended: str = "running"
    status: int | None = None


async def deliver(
    steps: Iterable[Step],
    *,
    send: Send,
    receive: Receive,
    transport: asyncio.Transport,
    progress: Progress,
) -> None:
    """Carry out the steps until one ends the answer or the client goes away."""
    for step in steps:
        if transport.is_closing():
            break
        if isinstance(step, Data):
            await send({"type": "http.response.body", "body": step.data, "more_body": True})
            progress.frames += step.frames
        elif isinstance(step, Head):
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in step.headers]
            await send({"type": "http.response.start", "status": step.status, "headers": raw})
            progress.status = step.status
        elif isinstance(step, Pause):
            await _pause(step.seconds, receive)
        elif isinstance(step, End):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            progress.ended = "complete"
            return
        else:
            progress.ended = _touch(step, transport)
    if progress.ended == "running":
        progress.ended = "client left"
    await _until_gone(receive)


def _touch(step: Raw | Reset | Fin, transport: asyncio.Transport) -> str:
    """What HTTP must not know of. After `Reset` and `Fin` the transport is closing, so that nothing follows."""
    match step:
        case Raw(data):
            transport.write(data)
            return "running"
        case Reset():
            reset(transport)
            return "reset"
        case Fin():
            transport.close()
            return "fin"


async def _pause(seconds: float | None, receive: Receive) -> None:
    """Sleep, but not on when the client has left."""
    if seconds is not None and seconds <= _TOO_SHORT_TO_WATCH:
        await asyncio.sleep(seconds)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _until_gone(receive)


def reset(transport: asyncio.Transport) -> None:
    """End the connection with RST."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _until_gone(receive: Receive) -> None:
    """The server must learn that the connection is lost before the application returns."""
    while (await receive())["type"] != "http.disconnect":
        pass
