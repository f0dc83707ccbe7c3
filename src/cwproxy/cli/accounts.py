"""`cwproxy accounts list`, `show`, `disable`, `enable` and `remove`."""

import asyncio
import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from cwproxy.accounts.pool.changes import OFF, RECOVERED
from cwproxy.accounts.sources.importing import notice
from cwproxy.cli.reporting import Report, reported
from cwproxy.errors import CwproxyError, LoginRequired
from cwproxy.settings import Settings
from cwproxy.store import Account, AccountState, CoolDown, CoolDowns, Store
from cwproxy.wiring import declared_accounts, open_accounts

NOBODY = "No account is logged in. Run `cwproxy login`, or `cwproxy accounts import`."


async def list_accounts(settings: Settings, *, as_json: bool) -> None:
    """Nobody at all is no failure: the list is empty then."""
    async with open_accounts(settings) as store:
        accounts, cooldowns = await asyncio.to_thread(lambda: (store.accounts(), _cooldowns(store)))
        facts = [await asyncio.to_thread(account_facts, store, account, cooldowns) for account in accounts]
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    if not accounts:
        Console(stderr=True).print(NOBODY)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "account", "kind", "from", "state", "access token"):
        table.add_column(heading, overflow="fold")
    for account, fact in zip(accounts, facts, strict=True):
        end = fact["access_token_expires_at"]
        table.add_row(
            account.id[:8],
            account.label,
            account.kind.value,
            _origin(account),
            _state(account, fact),
            _until(end if isinstance(end, float) else None, account),
        )
    Console().print(table)


async def show_account(settings: Settings, name: str, *, as_json: bool) -> None:
    async with open_accounts(settings) as store:
        account = await asyncio.to_thread(one_account, store, name)
        facts = await asyncio.to_thread(lambda: account_facts(store, account, _cooldowns(store)))
    report = await reported(settings, account.id)
    facts["server"] = report.members if report.members is not None else report.why
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    _print_facts(facts, report)
    if account.source is not None:
        text = await asyncio.to_thread(notice, account.source, account.kind, share=True)
        Console(highlight=False).print(f"\n{text}")


async def disable_account(settings: Settings, name: str) -> None:
    async with open_accounts(settings) as store:
        account = await asyncio.to_thread(one_account, store, name)
        await asyncio.to_thread(store.set_disabled, account.id, True)
    print(f"{account.label} is disabled. `cwproxy accounts enable {account.id[:8]}` takes it back.")


async def enable_account(settings: Settings, name: str) -> None:
    async with open_accounts(settings) as store:
        account = await asyncio.to_thread(one_account, store, name)
        await asyncio.to_thread(recover, store, account, now=time.time())
    print(f"{account.label} is enabled; what was held against it is forgotten.")


async def remove_account(settings: Settings, name: str) -> None:
    """Raises CwproxyError for one that is declared."""
    async with open_accounts(settings) as store:
        account = await asyncio.to_thread(one_account, store, name)
        refuse_declared(settings, account)
        await asyncio.to_thread(store.remove, account.id)
    left = "" if account.source is None else f" {account.source.path} is left as it is."
    print(f"Forgot {account.label} ({account.kind.value}).{left}")


def recover(store: Store, account: Account, *, now: float) -> None:
    """What a person's word ends: the permanent blacklist, the need of a login, every cool-down, and what servers that
    run have found out by themselves.
    """
    store.set_disabled(account.id, False)
    store.set_state(account.id, AccountState.ACTIVE)
    held = [found for found in _cooldowns(store) if found.account_id == account.id and found.state != OFF]
    ended = [replace(found, until=None, level=0, state=OFF, detail="", changed_at=now) for found in held]
    CoolDowns(store.database).put([*ended, CoolDown(account.id, RECOVERED, None, 0, OFF, "", now)])


def refuse_declared(settings: Settings, account: Account) -> None:
    """Raises CwproxyError where the configuration file, as it is now, would bring the account back."""
    if any(declaration.account_id == account.id for declaration in declared_accounts(settings)):
        raise CwproxyError(f"{account.label} is declared in the configuration file; take it out of `providers` there.")


def one_account(store: Store, name: str) -> Account:
    """By id, its beginning, or label. Raises LoginRequired where there is none and CwproxyError where several fit."""
    accounts = store.accounts()
    for fitting in (
        [account for account in accounts if account.id == name],
        [account for account in accounts if account.label == name],
        [account for account in accounts if name and account.id.startswith(name)],
    ):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            ids = ", ".join(account.id[:8] for account in fitting)
            raise CwproxyError(f"Several accounts fit {name!r}; give the id of one: {ids}.")
    raise LoginRequired(f"There is no account {name!r}; see `cwproxy accounts list`.")


def account_facts(store: Store, account: Account, cooldowns: list[CoolDown]) -> dict[str, object]:
    """What the store knows, without secrets. Times are epoch seconds."""
    token = store.token(account.id)
    end = None if token is None or math.isinf(token.expires_at) else token.expires_at
    return {
        "id": account.id,
        "label": account.label,
        "kind": account.kind.value,
        "state": account.state.value,
        "state_detail": account.state_detail,
        "disabled": account.disabled,
        "declared": account.declared,
        "blacklisted": account.state in (AccountState.SUSPENDED, AccountState.MISCONFIGURED),
        "source": None
        if account.source is None
        else {"program": account.source.kind.value, "path": account.source.path},
        "weight": account.weight,
        "start_url": account.start_url,
        "sso_region": account.sso_region,
        "profile_arn": account.profile_arn,
        "surface": account.surface,
        "aws_profile": account.aws_profile,
        "created_at": account.created_at,
        "access_token_expires_at": end,
        "can_be_renewed": token is not None and token.refresh_token is not None,
        "cool_downs": [
            {
                "scope": found.scope,
                "until": found.until,
                "level": found.level,
                "detail": found.detail,
                "changed_at": found.changed_at,
            }
            for found in _in_force(account, cooldowns)
        ],
    }


def held_back(store: Store, account: Account) -> list[str]:
    """Why cwproxy itself makes no calls with the account, or none to a model: a clause for each reason, and how long
    it holds.
    """
    reasons = []
    if account.state is not AccountState.ACTIVE:
        reasons.append(f"{account.state.value}: {account.state_detail}".removesuffix(": "))
    for found in _in_force(account, _cooldowns(store)):
        until = "until you enable it" if found.until is None else f"for {_span(found.until - time.time())}"
        reasons.append(f"resting {until}, {found.scope}" + (f": {found.detail}" if found.detail else ""))
    return reasons


def _in_force(account: Account, cooldowns: list[CoolDown]) -> list[CoolDown]:
    return [
        found
        for found in cooldowns
        if found.account_id == account.id and found.state != OFF and (found.until or math.inf) > time.time()
    ]


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _cooldowns(store: Store) -> list[CoolDown]:
    return list(CoolDowns(store.database).since(0).changes)


def _origin(account: Account) -> str:
    where = "" if account.source is None else account.source.kind.value
    return f"declared, {where}" if account.declared else where


def _state(account: Account, facts: Mapping[str, object]) -> str:
    if account.disabled:
        return "disabled"
    resting = facts["cool_downs"]
    if account.state is AccountState.ACTIVE and isinstance(resting, list) and resting:
        return f"resting: {', '.join(str(found['scope']) for found in resting)}"
    return f"{account.state.value} {account.state_detail}".strip()


def _until(end: float | None, account: Account) -> str:
    if end is None:
        return "has no end" if account.aws_profile is None and account.kind.value != "iam" else "from AWS credentials"
    left = end - time.time()
    return f"good for {left / 60:.0f} min" if left > 0 else "expired, renewed on use"


def _print_facts(facts: Mapping[str, object], report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if name != "server":
            table.add_row(name.replace("_", " "), _shown(name, value))
    if report.members is None:
        table.add_row("health", report.why)
    else:
        for part in ("pool", "quota", "figures"):
            members = report.members.get(part)
            for name, value in members.items() if isinstance(members, dict) else ():
                table.add_row(f"{part}: {name.replace('_', ' ')}", _shown(name, value))
    Console(highlight=False).print(table)


def _shown(name: str, value: object) -> str:
    if value is None or value == []:
        return "none"
    if name.endswith("_at") and isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    return value if isinstance(value, str) else json.dumps(value)
