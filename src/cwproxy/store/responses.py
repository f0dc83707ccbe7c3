"""Answers that clients may refer to later, each for the API key that it was given to.

They are bounded by age and by size: of what one key keeps, the oldest goes first. What a body is, is the caller's
business. The bounds are looked after now and then, so a little more may be kept for a while.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from cwproxy.store.database import Database

SWEEP_SECONDS: Final = 600
"""Between two looks for what is too old."""

SWEEP_SHARE: Final = 16
"""A look for what is too much is due when a key may have written one part in so many of what it may keep."""

_PUT: Final = (
    "INSERT INTO response (id, key_id, created_at, expires_at, bytes, body) "
    "VALUES (:id, :owner, :now, :expires_at, :size, :body)"
)
_EVICT: Final = (
    "DELETE FROM response WHERE id IN (SELECT id FROM (SELECT id, SUM(bytes) OVER "
    "(ORDER BY expires_at DESC, created_at DESC, id) AS held FROM response WHERE key_id = :owner) AS kept "
    "WHERE held > :most)"
)


class Responses:
    """The answers in one database. owner: the id of an API key, or empty where none is asked for.

    keep: seconds since an answer was last used. most_bytes: of one owner. wall: epoch seconds. Every method raises
    StoreError when the database cannot be used.
    """

    def __init__(
        self, database: Database, *, keep: float, most_bytes: int, wall: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._keep = keep
        self._most = most_bytes
        self._wall = wall
        self._swept = 0.0
        self._written: dict[str, int] = {}

    def put(self, id: str, owner: str, body: bytes) -> bool:
        """False for one that is larger than all that an owner may keep."""
        if len(body) > self._most:
            return False
        now = self._wall()
        values = {"id": id, "owner": owner, "now": now, "expires_at": now + self._keep, "size": len(body), "body": body}
        with self._database.transaction() as statements:
            statements.execute(_PUT, values)
        written = self._written[owner] = self._written.get(owner, self._most) + len(body)
        if written * SWEEP_SHARE > self._most or now - self._swept > SWEEP_SECONDS:
            self._sweep(owner, now)
        return True

    def get(self, id: str, owner: str) -> bytes | None:
        statement = "SELECT body FROM response WHERE id = :id AND key_id = :owner AND expires_at > :now"
        with self._database.reading() as statements:
            rows = statements.execute(statement, {"id": id, "owner": owner, "now": self._wall()})
        return rows[0].binary("body") if rows else None

    def used(self, ids: Iterable[str]) -> None:
        """They stay for as long as if they had been put now."""
        expires_at = self._wall() + self._keep
        with self._database.transaction() as statements:
            for id in ids:
                statements.execute(
                    "UPDATE response SET expires_at = :expires_at WHERE id = :id", {"id": id, "expires_at": expires_at}
                )

    def delete(self, id: str, owner: str) -> bool:
        """False when there is none."""
        statement = "DELETE FROM response WHERE id = :id AND key_id = :owner AND expires_at > :now"
        with self._database.transaction() as statements:
            return statements.changed(statement, {"id": id, "owner": owner, "now": self._wall()}) == 1

    def _sweep(self, owner: str, now: float) -> None:
        with self._database.transaction() as statements:
            statements.execute("DELETE FROM response WHERE expires_at <= :now", {"now": now})
            statements.execute(_EVICT, {"owner": owner, "most": self._most})
        self._swept = now
        self._written[owner] = 0
