"""`cwproxy doctor`: one check after the other, each with what to do when it fails."""

import asyncio
import math
import os
import stat
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
from rich.console import Console

from cwproxy import __version__
from cwproxy.accounts.identity import how_to_log_in
from cwproxy.accounts.selection import target_of
from cwproxy.accounts.sources.accord import PROGRAMS
from cwproxy.codewhisperer.surfaces import Target, models_call
from cwproxy.errors import CwproxyError
from cwproxy.settings import Settings, config_file, data_directory, load, require_keys_when_open
from cwproxy.store import Account, AccountKind, AccountState, Store
from cwproxy.store.keys import KeyKind, Keys
from cwproxy.upstream.errors import converted
from cwproxy.wiring import open_accounts, open_service, open_upstream, routing

CLOCK_SECONDS = 300.0
"""AWS refuses signatures that are more than five minutes off."""

REACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """good None: cannot be judged. advice: what to do, where it is not good."""

    name: str
    good: bool | None
    detail: str
    advice: str = ""


async def doctor(flags: Mapping[str, str | None]) -> int:
    """The exit code: 0 when nothing is wrong, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"cwproxy {__version__}")
    failed = 0
    async for finding in _findings(flags):
        mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]?   [/]"}[finding.good]
        console.print(f"{mark} {finding.name}: ", end="")
        console.print(finding.detail, markup=False)
        if finding.good is False:
            failed += 1
            console.print(f"     → {finding.advice}", markup=False)
    console.print("Everything is in order." if not failed else f"{failed} to mend.")
    return 1 if failed else 0


async def _findings(flags: Mapping[str, str | None]) -> AsyncIterator[Finding]:
    try:
        settings = load(flags)
    except CwproxyError as error:
        yield Finding("settings", False, error.message, f"Correct the flag, the CWPROXY_* variable or {config_file()}.")
        return
    exists = "read" if config_file().is_file() else "not there, defaults apply"
    yield Finding("settings", True, f"{config_file()} ({exists})")
    if settings.database_url is None:
        permissions = _permissions()
        yield permissions
        if not permissions.good:
            return
    async with AsyncExitStack() as stack:
        try:
            store = await stack.enter_async_context(open_accounts(settings))
        except CwproxyError as error:
            yield Finding("store", False, error.message, "Do what the sentence says, then run `cwproxy doctor` again.")
            return
        yield _keys(settings, store)
        accounts = store.accounts()
        if not accounts:
            yield Finding("account", False, "nobody is logged in", "Run `cwproxy login`.")
            return
        for account in accounts:
            yield _account(account)
        usable = [it for it in accounts if it.state is AccountState.ACTIVE and not it.disabled] or accounts[:1]
        try:
            where = target_of(usable[0], routing(settings))
        except CwproxyError as error:
            yield Finding("surface", False, error.message, "Run `cwproxy login`.")
            return
        async for finding in _network(settings, where):
            yield finding
        for account in usable:
            yield _token(store, account, "token" if len(accounts) == 1 else f"token of {account.label}")
    yield await _models(settings)


def _permissions() -> Finding:
    directory = data_directory()
    if not directory.exists():
        return Finding("data directory", True, f"{directory} (made at the first login)")
    mode = stat.S_IMODE(directory.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        return Finding("data directory", False, f"{directory} is open to others ({mode:o})", f"chmod 700 {directory}")
    return Finding("data directory", True, f"{directory} ({mode:o})")


def _keys(settings: Settings, store: Store) -> Finding:
    keys = [key for key in Keys(store.database).all() if key.revoked_at is None and key.kind is KeyKind.CLIENT]
    try:
        require_keys_when_open(settings, stored=bool(keys))
    except CwproxyError as error:
        return Finding("API keys", False, error.message, "Do what the sentence says.")
    count = len(keys) + len(settings.api_keys)
    return Finding("API keys", True, f"{count} in force" if count else "none, and none is needed on this machine")


def _account(account: Account) -> Finding:
    who = f"{account.label} ({account.kind.value})"
    if account.disabled:
        return Finding("account", None, f"{who}, disabled")
    detail = f"{who}, {account.state.value} {account.state_detail}".rstrip()
    if account.state is AccountState.NEEDS_LOGIN:
        return Finding("account", False, detail, _log_in_again(account))
    mended = f"When AWS, or you, have mended that, run `cwproxy accounts enable {account.id[:8]}`."
    return Finding("account", account.state is AccountState.ACTIVE, detail, mended)


async def _network(settings: Settings, where: Target) -> AsyncIterator[Finding]:
    """Reachability and the clock, by one unauthenticated call whose refusal carries the date."""
    call = models_call(where)
    host = httpx.URL(call.url).host
    async with open_upstream(settings) as upstream:
        try:
            with converted(host):
                async with asyncio.timeout(REACH_SECONDS):
                    response = await upstream.http.request(
                        call.method, call.url, headers=call.headers, content=call.body
                    )
        except CwproxyError as error:
            yield Finding(
                "network",
                False,
                error.message,
                "Check the network; behind a proxy set CWPROXY_UPSTREAM_PROXY, behind a private CA CWPROXY_CA_BUNDLE.",
            )
            return
    yield Finding("network", True, f"{host} answers")
    try:
        off = parsedate_to_datetime(response.headers["date"]).timestamp() - time.time()
    except (KeyError, ValueError):
        yield Finding("clock", None, f"{host} does not say what time it is")
        return
    detail = f"{abs(off):.0f} s {'behind' if off > 0 else 'ahead of'} {host}"
    yield Finding("clock", abs(off) < CLOCK_SECONDS, detail, "Set this machine's clock, for example with NTP.")


def _log_in_again(account: Account) -> str:
    if account.source is None:
        return how_to_log_in(account)
    return f"Log in again in {PROGRAMS[account.source.kind]}; cwproxy then takes the login from {account.source.path}."


def _token(store: Store, account: Account, name: str) -> Finding:
    if account.kind is AccountKind.IAM:
        return Finding(name, None, "made from AWS credentials for every call")
    token = store.token(account.id)
    if token is None:
        return Finding(name, False, "there is none", _log_in_again(account))
    if math.isinf(token.expires_at):
        return Finding(name, None, "an API key, which has no end")
    left = token.expires_at - time.time()
    good = left > 0 or token.refresh_token is not None
    detail = f"good for {left / 60:.0f} min" if left > 0 else "expired; it will be renewed"
    return Finding(name, good, detail, _log_in_again(account))


async def _models(settings: Settings) -> Finding:
    try:
        async with open_service(settings) as service:
            catalog = await service.models()
    except CwproxyError as error:
        return Finding("models", False, error.message, "Run `cwproxy login` again, or try another --surface.")
    return Finding("models", True, f"{len(catalog.models)} on offer: {', '.join(m.id for m in catalog.models)}")
