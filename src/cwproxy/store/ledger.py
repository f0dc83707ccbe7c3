"""What was used: one row for each attempt that has ended, and sums over them."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from cwproxy.store.database import Database, Row, Statements

Ending: TypeAlias = Literal["served", "failed", "left"]
"""`left`: by the client, or by us because the answer was long enough or the login was being renewed; it speaks for
nobody and against nobody.
"""

DAY_SECONDS = 86_400.0

RANKED = 20_000
"""How many served answers percentiles are made of."""


class Record(msgspec.Struct, frozen=True):
    """One call of the backend for a request.

    at: epoch seconds of its end. seconds: from its start to then. first_seconds: to the first event, None without one.
    model: the backend's id. key_id: of the API key, None where none are asked for.
    failure_class: of the failed ones, such as `throttled`, or `request` where nothing else is to blame; else None.
    tokens: None where nobody counted. credits: of the backend's metering, None where it sent none.
    attempt: from 1. streamed: whether the client asked for a stream.
    """

    at: float
    account_id: str
    model: str
    outcome: Ending
    seconds: float
    key_id: str | None = None
    failure_class: str | None = None
    first_seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    credits: float | None = None
    attempt: int = 1
    streamed: bool = False


class Dimension(enum.Enum):
    """What sums are split by; the value is the column."""

    ACCOUNT = "account_id"
    MODEL = "model"
    KEY = "key_id"


Group: TypeAlias = tuple[str | None, ...]
"""One value for each dimension that was asked for; None for attempts that have none."""


class Spread(msgspec.Struct, frozen=True):
    """Of durations, in seconds. The percentiles are those of the nearest rank among the last answers: in the ledger the
    last `RANKED` of the period, whosever they are, and None for a group that has none of those.
    """

    mean: float
    p50: float | None
    p95: float | None


class Summary(msgspec.Struct, frozen=True):
    """Some attempts together. requests: first attempts. seconds, buffer_seconds: how long served answers took, and
    how long the first event of them was waited for; None where none was served. failures: by class.
    """

    requests: int = 0
    attempts: int = 0
    served: int = 0
    failed: int = 0
    left: int = 0
    requests_per_minute: float = 0.0
    seconds: Spread | None = None
    buffer_seconds: Spread | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    credits: float = 0.0
    failures: Mapping[str, int] = msgspec.field(default_factory=dict)

    @property
    def success_rate(self) -> float | None:
        """Of those that succeeded or failed, from 0 to 1; None before there is one."""
        judged = self.served + self.failed
        return self.served / judged if judged else None


class Period(msgspec.Struct, frozen=True):
    """Epoch seconds; `until` is not in it."""

    since: float
    until: float

    @property
    def minutes(self) -> float:
        return max(self.until - self.since, 1.0) / 60

    def days(self) -> Iterable["Period"]:
        """The UTC days that it touches, in order, cut to it."""
        start = self.since
        while start < self.until:
            end = min((start // DAY_SECONDS + 1) * DAY_SECONDS, self.until)
            yield Period(start, end)
            start = end


class Everybody(msgspec.Struct, frozen=True):
    """All keys together."""


class OneKey(msgspec.Struct, frozen=True):
    """The attempts of one key; with None, those for which no key was asked."""

    key_id: str | None


Whose: TypeAlias = Everybody | OneKey

EVERYBODY = Everybody()


class Ledger:
    """The ledger of one store. Every method raises StoreError when it cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, records: Sequence[Record]) -> None:
        """All of them or none."""
        with self._database.transaction() as statements:
            for record in records:
                values = {name: getattr(record, name) for name in _COLUMNS}
                values["streamed"] = int(record.streamed)
                statements.execute(_INSERT, values)

    def prune(self, *, before: float) -> int:
        """Forget what ended before that time; how many rows that were."""
        with self._database.transaction() as statements:
            return statements.changed("DELETE FROM usage WHERE at < :before", {"before": before})

    def credits_by_key(self, period: Period) -> dict[str, float]:
        statement = (
            "SELECT key_id, sum(credits) AS credits FROM usage "
            "WHERE at >= :since AND at < :until AND key_id IS NOT NULL AND credits IS NOT NULL GROUP BY key_id"
        )
        with self._database.reading() as statements:
            rows = statements.execute(statement, {"since": period.since, "until": period.until})
        return {row.text("key_id"): row.number("credits") for row in rows}

    def summaries(self, period: Period, by: Sequence[Dimension] = (), whose: Whose = EVERYBODY) -> dict[Group, Summary]:
        """By group, in the order of the groups. Without dimensions, one for all, also when there is nothing."""
        query = _Query(period, tuple(by), whose)
        failures: dict[Group, dict[str, int]] = {}
        with self._database.reading() as statements:
            sums = query.run(statements, _SUMS)
            ranks = {query.group(row): row for row in query.run(statements, _PERCENTILES, most=RANKED)}
            for row in query.run(statements, _FAILURES):
                failures.setdefault(query.group(row), {})[row.text("failure_class")] = row.whole("failed")
        summaries = {}
        for row in sums:
            group = query.group(row)
            row.update(ranks.get(group, _UNRANKED))
            summaries[group] = _summary(row, period, failures.get(group, {}))
        return summaries


_COLUMNS = Record.__struct_fields__
_VALUES = ", ".join(f":{name}" for name in _COLUMNS)
_INSERT = f"INSERT INTO usage ({', '.join(_COLUMNS)}) VALUES ({_VALUES})"  # noqa: S608 - names of our own

# {over}: PARTITION BY the columns; {columns}, {grouped}: the columns with a comma behind, and in a GROUP BY.
_SUMS = """
SELECT {columns} count(*) AS attempts,
    count(CASE WHEN attempt = 1 THEN 1 END) AS requests,
    count(CASE WHEN outcome = 'served' THEN 1 END) AS served,
    count(CASE WHEN outcome = 'failed' THEN 1 END) AS failed,
    count(CASE WHEN outcome = 'left' THEN 1 END) AS gone,
    CAST(coalesce(sum(input_tokens), 0) AS BIGINT) AS input_tokens,
    CAST(coalesce(sum(output_tokens), 0) AS BIGINT) AS output_tokens,
    CAST(coalesce(sum(cached_tokens), 0) AS BIGINT) AS cached_tokens,
    coalesce(sum(credits), 0.0) AS credits,
    avg(CASE WHEN outcome = 'served' THEN seconds END) AS took,
    avg(CASE WHEN outcome = 'served' THEN first_seconds END) AS waited
FROM usage WHERE {where} {grouped}
"""
# All of a period would have to be sorted, twice, while nobody else can use the file.
_PERCENTILES = """
WITH latest AS (
    SELECT {columns} seconds AS took, first_seconds AS waited
    FROM usage WHERE {where} AND outcome = 'served' ORDER BY at DESC LIMIT :most
), ranked AS (
    SELECT latest.*,
        row_number() OVER ({over} ORDER BY took) AS took_rank,
        count(took) OVER ({over}) AS took_count,
        row_number() OVER ({over} ORDER BY waited NULLS LAST) AS waited_rank,
        count(waited) OVER ({over}) AS waited_count
    FROM latest
)
SELECT {columns}
    min(CASE WHEN took_rank * 2 >= took_count THEN took END) AS took_p50,
    min(CASE WHEN took_rank * 100 >= took_count * 95 THEN took END) AS took_p95,
    min(CASE WHEN waited_rank * 2 >= waited_count THEN waited END) AS waited_p50,
    min(CASE WHEN waited_rank * 100 >= waited_count * 95 THEN waited END) AS waited_p95
FROM ranked {grouped}
"""
_FAILURES = """
SELECT {columns} coalesce(failure_class, 'unknown') AS failure_class, count(*) AS failed
FROM usage WHERE {where} AND outcome = 'failed'
GROUP BY {columns} coalesce(failure_class, 'unknown')
"""


_UNRANKED: Mapping[str, object] = dict.fromkeys(("took_p50", "took_p95", "waited_p50", "waited_p95"))


class _Query:
    """The parts of a statement that depend on what is asked. Only names of columns go into its text."""

    def __init__(self, period: Period, by: tuple[Dimension, ...], whose: Whose) -> None:
        self._by = by
        self._parameters: dict[str, object] = {"since": period.since, "until": period.until}
        self._where = "at >= :since AND at < :until"
        match whose:
            case OneKey(key_id=None):
                self._where += " AND key_id IS NULL"
            case OneKey(key_id=key_id):
                self._where += " AND key_id = :key_id"
                self._parameters["key_id"] = key_id
            case Everybody():
                pass

    def run(self, statements: Statements, template: str, **more: object) -> list[Row]:
        names = ", ".join(dimension.value for dimension in self._by)
        sql = template.format(
            columns=f"{names}," if names else "",
            over=f"PARTITION BY {names}" if names else "",
            grouped=f"GROUP BY {names} ORDER BY {names}" if names else "",
            where=self._where,
        )
        return statements.execute(sql, self._parameters | more)

    def group(self, row: Row) -> Group:
        return tuple(row.optional_text(dimension.value) for dimension in self._by)


def _summary(row: Row, period: Period, failures: Mapping[str, int]) -> Summary:
    return Summary(
        requests=row.whole("requests"),
        attempts=row.whole("attempts"),
        served=row.whole("served"),
        failed=row.whole("failed"),
        left=row.whole("gone"),
        requests_per_minute=row.whole("requests") / period.minutes,
        seconds=_spread(row, "took"),
        buffer_seconds=_spread(row, "waited"),
        input_tokens=row.whole("input_tokens"),
        output_tokens=row.whole("output_tokens"),
        cached_tokens=row.whole("cached_tokens"),
        credits=row.number("credits"),
        failures=dict(sorted(failures.items())),
    )


def _spread(row: Row, name: str) -> Spread | None:
    mean = row.optional_number(name)
    if mean is None:
        return None
    return Spread(mean, row.optional_number(f"{name}_p50"), row.optional_number(f"{name}_p95"))
