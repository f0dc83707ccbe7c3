"""What a client may take of us: sizes in bytes, times in seconds (reliability.md 1.8)."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """requests: answered at once. bodies_bytes: of all bodies that are being received and parsed.
    body_gap, body_total: between two pieces of a body, and for all of it.
    hold: how long status and headers wait for the first event, so that an early failure gets a real status.
    ping: the longest silence in a stream.
    last_word: for telling an open answer that the server stops; a client that does not read it is disconnected.
    choices: of one request (`n`), each of which is a call of the backend.
    offload_bytes: from this size on a body is parsed in a thread, so that other streams do not stand still.
    """

    requests: int = 1_000
    bodies_bytes: int = 256 * 1024 * 1024
    body_bytes: int = 20 * 1024 * 1024
    body_gap: float = 10.0
    body_total: float = 60.0
    hold: float = 10.0
    ping: float = 15.0
    last_word: float = 1.0
    choices: int = 4
    offload_bytes: int = 1_000_000
