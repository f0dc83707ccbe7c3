"""Whether an account's answers end with a sign that they are whole."""

from typing import Final

import msgspec

TRAILERLESS: Final = 2
"""Streams without a trailer, and none with one, after which an account counts as one that sends none."""


class Trailers(msgspec.Struct):
    """What has been seen of an account's streams: some never send the events that mark a complete answer
    (backend-rules.md B8), and only of those is an answer without them taken for whole.
    """

    seen: bool = False
    missing: int = 0

    @property
    def expected(self) -> bool:
        return self.seen or self.missing < TRAILERLESS
