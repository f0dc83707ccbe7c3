"""What answers of the backend said that has no place in them: new kinds of events, pieces of tool calls that never
began, words after the end. Each kind is counted, and written to the log when it comes for the first time; operators
see the counts in `GET /admin/stats` (reliability.md 3B 34, 49 and 54).
"""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final

from cwproxy.codewhisperer.events import KNOWN_TO_BE_OF_NO_USE

log = logging.getLogger("cwproxy.service")

MAX_KINDS: Final = 100
"""Kinds that are told apart; the names are the backend's."""

MAX_NAME: Final = 80
"""Characters that are kept of a name."""


class Leftovers:
    """`counts`: by the kind of event, of the whole process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def take(self, ignored: Mapping[str, int]) -> None:
        """ignored: how often which kind was left out of one answer."""
        for name, count in ignored.items():
            kind = name[:MAX_NAME]
            if kind not in self.counts and kind not in KNOWN_TO_BE_OF_NO_USE and len(self.counts) < MAX_KINDS:
                log.warning("an answer had events that were left out: %r; this is said once", kind)
            if kind in self.counts or len(self.counts) < MAX_KINDS:
                self.counts[kind] += count
