"""What the pools of all processes have found out about accounts, so that each hears of it from the others.

A process writes what changes and asks once a second at most for what has changed; a change is seen once, in an order
in which nothing is passed over. Times are stored by the database's clock and given by the reader's: those of two
machines may be minutes apart (reliability.md 3G 139).
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from cwproxy.store.database import Database, Row


class CoolDown(msgspec.Struct, frozen=True):
    """What holds for one scope (the account itself, or one of its models) of one account.

    until: epoch seconds, or None where no time ends it. level: the step of the back-off. state, detail: the pool's own
    words. changed_at: epoch seconds. Both by this machine's clock.
    """

    account_id: str
    scope: str
    until: float | None
    level: int
    state: str
    detail: str
    changed_at: float


class Seen(msgspec.Struct, frozen=True):
    """The changes up to `stamp`."""

    stamp: int
    changes: tuple[CoolDown, ...]


# The counter's row is locked until the transaction ends, so numbers become visible in their order.
_COUNT = "UPDATE counter SET value = value + 1 WHERE name = 'cooldown' RETURNING value"
_PUT = (
    "INSERT INTO cooldown (account_id, scope, until, level, state, detail, changed_at, changed_in) "
    "VALUES (:account_id, :scope, :until, :level, :state, :detail, :changed_at, :changed_in) "
    "ON CONFLICT (account_id, scope) DO UPDATE SET until = excluded.until, level = excluded.level, "
    "state = excluded.state, detail = excluded.detail, changed_at = excluded.changed_at, "
    "changed_in = excluded.changed_in"
)

_FORGET = "DELETE FROM cooldown WHERE scope LIKE :models AND until < :before"
_MODELS = "model:%"

FORGOTTEN_SECONDS = 86_400.0
"""After its end, what holds for a model is forgotten: the names of models may be a client's invention, without end."""


class CoolDowns:
    """Raises StoreError when the database cannot be used; what the caller knows already still holds then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, changes: Iterable[CoolDown]) -> None:
        """The last to write has its say."""
        changes = tuple(changes)
        if not changes:
            return
        skew = self._database.skew()
        rows = [_values(_shifted(change, skew)) for change in changes]
        before = max(change.changed_at for change in changes) + skew - FORGOTTEN_SECONDS
        with self._database.transaction() as statements:
            statements.changed(_FORGET, {"models": _MODELS, "before": before})
            (counted,) = statements.execute(_COUNT)
            for values in rows:
                statements.execute(_PUT, values | {"changed_in": counted.whole("value")})

    def since(self, stamp: int) -> Seen:
        """What has changed after `stamp`, by anybody, the oldest change first; everything after 0."""
        skew = self._database.skew()
        with self._database.reading() as statements:
            rows = statements.execute(
                "SELECT * FROM cooldown WHERE changed_in > :stamp ORDER BY changed_in, account_id, scope",
                {"stamp": stamp},
            )
        return Seen(
            rows[-1].whole("changed_in") if rows else stamp, tuple(_shifted(_cool_down(row), -skew) for row in rows)
        )


def _shifted(change: CoolDown, seconds: float) -> CoolDown:
    until = None if change.until is None else change.until + seconds
    return replace(change, until=until, changed_at=change.changed_at + seconds)


def _values(change: CoolDown) -> dict[str, object]:
    return {
        "account_id": change.account_id,
        "scope": change.scope,
        "until": change.until,
        "level": change.level,
        "state": change.state,
        "detail": change.detail,
        "changed_at": change.changed_at,
    }


def _cool_down(row: Row) -> CoolDown:
    return CoolDown(
        account_id=row.text("account_id"),
        scope=row.text("scope"),
        until=row.optional_number("until"),
        level=row.whole("level"),
        state=row.text("state"),
        detail=row.text("detail"),
        changed_at=row.number("changed_at"),
    )
