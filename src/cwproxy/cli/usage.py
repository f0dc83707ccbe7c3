"""`cwproxy usage`: what the ledger says of a period."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cwproxy.accounts.figures import Durations, Figures, busiest, iso, of_ledger
from cwproxy.accounts.periods import since
from cwproxy.cli.tables import print_rows
from cwproxy.errors import SettingsError
from cwproxy.settings import Settings
from cwproxy.store import Store
from cwproxy.store.keys import Keys
from cwproxy.store.ledger import Dimension, Ledger
from cwproxy.wiring import open_store

DAY: Final = "day"
_NUMBERS: Final = (
    *("requests", "served", "failed", "left", "success", "mean s", "p50", "p95", "first s"),
    *("tokens in", "out", "credits"),
)
DIMENSIONS: Final = {"account": Dimension.ACCOUNT, "model": Dimension.MODEL, "key": Dimension.KEY}


async def usage(settings: Settings, *, begin: str, by: Sequence[str], as_json: bool) -> None:
    """Raises SettingsError for an argument that means nothing, and StoreError."""
    try:
        period = since(begin, time.time())
    except ValueError as error:
        raise SettingsError(f"--since: {error}") from None
    wrong = [name for name in by if name not in (DAY, *DIMENSIONS)]
    if wrong:
        raise SettingsError(f"--by takes {', '.join((*DIMENSIONS, DAY))}, not {wrong[0]!r}")
    dimensions = [DIMENSIONS[name] for name in dict.fromkeys(by) if name != DAY]
    async with open_store(settings) as store:
        ledger = Ledger(store.database)
        groups = await asyncio.to_thread(of_ledger, ledger, period, dimensions, daily=DAY in by)
        names = {} if as_json else await asyncio.to_thread(_names, store)
    if DAY not in by:
        groups = busiest(groups)
    if as_json:
        answer = {"since": iso(period.since), "until": iso(period.until), "groups": groups}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")
        return
    split = [name for name in (DAY, *DIMENSIONS) if name in by]
    print_rows([*split, *_NUMBERS, "failures"], [_row(split, group, names) for group in groups], right=_NUMBERS)
    print(f"from {iso(period.since)} until {iso(period.until)}", file=sys.stderr)


def _names(store: Store) -> dict[str, str]:
    """What people call accounts and keys, by id."""
    keys = {key.id: key.name for key in Keys(store.database).all()}
    return keys | {account.id: account.label for account in store.accounts()}


def _row(split: Sequence[str], group: Figures, names: Mapping[str, str]) -> list[str]:
    ids = [getattr(group, name) for name in split]
    return [*(names.get(each, each) if each else "-" for each in ids), *_cells(group)]


def _cells(group: Figures) -> list[str]:
    rate = group.success_rate
    return [
        str(group.requests),
        str(group.served),
        str(group.failed),
        str(group.left),
        "-" if rate is None else f"{rate:.1%}",
        *_seconds(group.response_seconds),
        "-" if group.buffer_seconds is None else f"{group.buffer_seconds.mean:.2f}",
        f"{group.input_tokens:,}",
        f"{group.output_tokens:,}",
        f"{group.credits:.2f}",
        ", ".join(f"{name} {count}" for name, count in group.failures.items()) or "-",
    ]


def _seconds(durations: Durations | None) -> list[str]:
    if durations is None:
        return ["-", "-", "-"]
    return ["-" if each is None else f"{each:.2f}" for each in (durations.mean, durations.p50, durations.p95)]
