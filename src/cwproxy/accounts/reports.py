"""Questions to the ledger that may take a while: one at a time, and on a connection of their own.

A sum over a long period keeps its connection busy for a second or more, and whoever needs the store for a request must
not wait for that; nor may many who ask at once take all the threads.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cwproxy.store import Database
from cwproxy.store.ledger import Ledger

T = TypeVar("T")


class Reports:
    """open_database: the connection is made when somebody asks for the first time. Used in one event loop."""

    def __init__(self, open_database: Callable[[], Database]) -> None:
        self._open = open_database
        self._turn = asyncio.Lock()
        self._database: Database | None = None

    async def ask(self, question: Callable[[Ledger], T]) -> T:
        """The answer of `question`, which runs in a thread. Raises StoreError."""
        async with self._turn:
            if self._database is None:
                self._database = await asyncio.to_thread(self._open)
            return await asyncio.to_thread(question, Ledger(self._database))

    async def aclose(self) -> None:
        async with self._turn:
            database, self._database = self._database, None
            if database is not None:
                await asyncio.to_thread(database.close)
