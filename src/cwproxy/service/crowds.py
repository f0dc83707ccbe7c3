"""Requests that offer very many tools are said to the log: nothing forbids them, but the service refuses bodies that
are too large with words that do not say so, and tools are what mostly makes them large (backend-rules.md A3 41).
"""

import logging
from typing import Final

from cwproxy.accounts.callers import Caller
from cwproxy.conversation import Conversation

log = logging.getLogger("cwproxy.service")

MANY: Final = 100
"""Tools above which a request is a crowd."""


class Crowds:
    """`look` at each request: for every API key the first crowd is said."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def look(self, conversation: Conversation, caller: Caller) -> None:
        count = len(conversation.tools)
        if count > MANY and caller.name not in self._said:
            self._said.add(caller.name)
            log.warning(
                "a request of %s offers %d tools: with so many, the backend may refuse requests for their size; this "
                "is said once",
                caller.name,
                count,
            )
