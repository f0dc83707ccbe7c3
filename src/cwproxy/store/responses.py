"""Answers that clients may refer to later, each for the API key that it was given to.

They are bounded by age and by size: of what one key keeps, the oldest goes first. An answer that follows another lives
no longer than that: there is none that cannot be continued. What a body is, is the caller's business.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from cwproxy.store.database import Database, Statements

SWEEP_SHARE: Final = 16
"""A look for what is too much is due when a key may have written one part in so many of what it may keep."""

FRESH_SHARE: Final = 10_000
"""One part in so many of its life is how much older than it was used an answer may count, so that not every step of a
conversation writes all of it anew.
"""

BATCH: Final = 50
"""Rows that are deleted at once: others want to write, too."""

_PUT: Final = (
    "INSERT INTO response (id, key_id, created_at, expires_at, bytes, body, previous) "
    "SELECT :id, :owner, CAST(:now AS DOUBLE PRECISION), CAST(:expires_at AS DOUBLE PRECISION), "
    "CAST(:size AS BIGINT), :body, CAST(:previous AS TEXT) WHERE CAST(:previous AS TEXT) IS NULL "
    "OR EXISTS (SELECT 1 FROM response AS earlier WHERE earlier.id = :previous AND earlier.key_id = :owner)"
)
_USED: Final = (
    "WITH RECURSIVE chain(id, previous) AS (SELECT id, previous FROM response WHERE id = :id AND key_id = :owner "
    "UNION SELECT earlier.id, earlier.previous FROM response AS earlier JOIN chain ON earlier.id = chain.previous) "
    "UPDATE response SET expires_at = :expires_at WHERE id IN (SELECT id FROM chain) AND expires_at < :stale"
)
_WITH_LATER: Final = (
    "WITH RECURSIVE gone(id) AS ({gone} "
    "UNION SELECT later.id FROM response AS later JOIN gone ON later.previous = gone.id) SELECT id FROM gone"
)
_OLD: Final = _WITH_LATER.format(
    gone="SELECT id FROM response WHERE expires_at <= :now UNION SELECT id FROM response WHERE previous IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM response AS earlier WHERE earlier.id = response.previous) "
    "UNION SELECT id FROM response WHERE key_id IN (SELECT id FROM api_key WHERE revoked_at IS NOT NULL)"
)
_TOO_MUCH: Final = _WITH_LATER.format(
    gone="SELECT id FROM (SELECT id, SUM(bytes) OVER (ORDER BY expires_at DESC, created_at DESC, id) AS held "
    "FROM response WHERE key_id = :owner) AS kept WHERE held > :most"
)
_UNREADABLE: Final = (
    "DELETE FROM response WHERE deleted = 1 "
    "AND NOT EXISTS (SELECT 1 FROM response AS later WHERE later.previous = response.id)"
)
_MOST_OF: Final = "SELECT key_id FROM response GROUP BY key_id HAVING SUM(bytes) > :most"


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
        self._written: dict[str, int] = {}

    def put(self, id: str, owner: str, body: bytes, previous: str | None = None) -> bool:
        """previous: the answer that it follows, which has been used now. False for one that is larger than all that an
        owner may keep, and when the one before it is gone.
        """
        if len(body) > self._most:
            return False
        now = self._wall()
        values = {"id": id, "owner": owner, "now": now, "expires_at": now + self._keep, "size": len(body), "body": body}
        with self._database.transaction() as statements:
            if statements.changed(_PUT, {**values, "previous": previous}) == 0:
                return False
            if previous is not None:
                self._use(statements, previous, owner, now)
        written = self._written[owner] = self._written.get(owner, self._most) + len(body)
        if written * SWEEP_SHARE <= self._most:
            return True
        return id not in self._evict(owner)

    def get(self, id: str, owner: str, *, past: bool = False) -> bytes | None:
        """past: also one that has been deleted but that another follows."""
        if "\0" in id:  # PostgreSQL has no such texts
            return None
        statement = "SELECT body, deleted FROM response WHERE id = :id AND key_id = :owner AND expires_at > :now"
        with self._database.reading() as statements:
            rows = statements.execute(statement, {"id": id, "owner": owner, "now": self._wall()})
        return rows[0].binary("body") if rows and (past or not rows[0].flag("deleted")) else None

    def used(self, ids: Iterable[str], owner: str) -> None:
        """They, and what they follow, stay for as long as if they had been put now."""
        now = self._wall()
        with self._database.transaction() as statements:
            for id in ids:
                self._use(statements, id, owner, now)

    def delete(self, id: str, owner: str) -> bool:
        """False when there is none. One that others follow stays for as long as they do, as their past only."""
        if "\0" in id:
            return False
        statement = (
            "UPDATE response SET deleted = 1 WHERE id = :id AND key_id = :owner AND deleted = 0 AND expires_at > :now"
        )
        with self._database.transaction() as statements:
            if statements.changed(statement, {"id": id, "owner": owner, "now": self._wall()}) == 0:
                return False
            _delete_unreadable(statements)
        return True

    def sweep(self) -> None:
        """Delete what is too old, too much, nobody's any more, or cannot be continued; also by bounds that are lower
        than when it was put.
        """
        now = self._wall()
        with self._database.transaction() as statements:
            statements.execute(
                "UPDATE response SET expires_at = :latest WHERE expires_at > :latest", {"latest": now + self._keep}
            )
        self._delete(_OLD, {"now": now})
        with self._database.reading() as statements:
            owners = [row.text("key_id") for row in statements.execute(_MOST_OF, {"most": self._most})]
        for owner in owners:
            self._evict(owner)
        with self._database.transaction() as statements:
            _delete_unreadable(statements)

    def _evict(self, owner: str) -> set[str]:
        gone = self._delete(_TOO_MUCH, {"owner": owner, "most": self._most})
        self._written[owner] = 0
        return gone

    def _delete(self, which: str, values: dict[str, object]) -> set[str]:
        with self._database.reading() as statements:
            ids = [row.text("id") for row in statements.execute(which, values)]
        for start in range(0, len(ids), BATCH):
            with self._database.transaction() as statements:
                for id in ids[start : start + BATCH]:
                    statements.execute("DELETE FROM response WHERE id = :id", {"id": id})
        return {*ids}

    def _use(self, statements: Statements, id: str, owner: str, now: float) -> None:
        times = {"expires_at": now + self._keep, "stale": now + self._keep - self._keep / FRESH_SHARE}
        statements.execute(_USED, {"id": id, "owner": owner, **times})


def _delete_unreadable(statements: Statements) -> None:
    """Deleted answers that nobody follows; then those that these were the last to follow."""
    while statements.changed(_UNREADABLE):
        pass
