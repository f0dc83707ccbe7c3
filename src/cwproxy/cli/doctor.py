"""`cwproxy doctor`: one check after the other, each with what to do when it fails."""

import math
import os
import stat
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing

from rich.console import Console

from cwproxy import __version__
from cwproxy.accounts.identity import how_to_log_in
from cwproxy.accounts.selection import Selector, target_of
from cwproxy.accounts.sources.accord import PROGRAMS
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.auth import sigv4
from cwproxy.cli.accounts import held_back
from cwproxy.cli.probing import advice, listed
from cwproxy.cli.reaching import Finding, login_host, reach
from cwproxy.errors import CwproxyError, LoginRequired, SettingsError
from cwproxy.settings import Settings, config_file, data_directory, load, require_keys_when_open
from cwproxy.store import Account, AccountKind, AccountState, Store
from cwproxy.store.keys import KeyKind, Keys
from cwproxy.wiring import bring_declared, login_services, open_store, open_upstream, pictures, routing

_DO_IT = "Do what the sentence says, then run `cwproxy doctor` again."


async def doctor(flags: Mapping[str, str | None]) -> int:
    """The exit code: 0 when nothing is wrong, else 1."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"cwproxy {__version__}")
    failed = 0
    async with aclosing(_findings(flags)) as findings:
        async for finding in findings:
            mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]?   [/]"}[finding.good]
            console.print(f"{mark} {finding.name}: ", end="")
            console.print(finding.detail, markup=False)
            if finding.good is False:
                failed += 1
                console.print(f"     → {finding.advice}", markup=False)
    console.print("Everything is in order." if not failed else f"{failed} to mend.")
    return 1 if failed else 0


async def _findings(flags: Mapping[str, str | None]) -> AsyncGenerator[Finding, None]:
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
            pictures(settings)
            store = await stack.enter_async_context(open_store(settings))
            left_out = await bring_declared(settings, store)
        except SettingsError as error:
            yield Finding("settings", False, error.message, _DO_IT)
            return
        except CwproxyError as error:
            yield Finding("store", False, error.message, _DO_IT)
            return
        for sentence in left_out:
            yield Finding("providers", False, sentence, "Correct the path, or log in in the program that it is of.")
        yield _keys(settings, store)
        async with aclosing(_of_accounts(settings, store)) as findings:
            async for finding in findings:
                yield finding


async def _of_accounts(settings: Settings, store: Store) -> AsyncGenerator[Finding, None]:
    """What is wrong with an account is said once: a call that cannot succeed is not made."""
    accounts = store.accounts()
    for account in accounts:
        yield _account(store, account)
    usable = [account for account in accounts if account.state is AccountState.ACTIVE and not account.disabled]
    if not accounts:
        yield Finding("account", False, "nobody is logged in", "Run `cwproxy login`.")
    elif all(account.disabled for account in accounts):
        yield Finding("account", False, "none is enabled", "Run `cwproxy accounts enable NAME`.")
    try:
        where = target_of(usable[0], routing(settings)) if usable else None
    except CwproxyError as error:
        yield Finding("surface", False, error.message, "Run `cwproxy login`.")
        return
    reached = True
    login = login_host(next(iter([*usable, *accounts]), None))
    async with aclosing(reach(settings, where, login)) as findings:
        async for finding in findings:
            reached = reached and (finding.name != "network" or finding.good is True)
            yield finding
    several = len(accounts) > 1
    for account in usable:
        token = await _token(store, account, f" of {account.label}" if several else "")
        yield token
        if reached and token.good and account.kind is not AccountKind.IAM:
            yield await _models(settings, store, account, f"models of {account.label}" if several else "models")


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


def _account(store: Store, account: Account) -> Finding:
    who = f"{account.label} ({account.kind.value})"
    if account.disabled:
        return Finding("account", None, f"{who}, disabled")
    if account.state is AccountState.NEEDS_LOGIN:
        detail = f"{who}, {account.state.value} {account.state_detail}".rstrip()
        return Finding("account", False, detail, _log_in_again(account))
    held = held_back(store, account)
    if not held:
        return Finding("account", True, f"{who}, active")
    enable = f"`cwproxy accounts enable {account.id[:8]}`"
    if account.state is AccountState.ACTIVE:
        return Finding("account", None, f"{who}, {'; '.join(held)}; {enable} ends that")
    mended = f"When AWS, or you, have mended that, run {enable}."
    return Finding("account", False, f"{who}, {'; '.join(held)}", mended)


def _log_in_again(account: Account) -> str:
    if account.source is None:
        return how_to_log_in(account)
    return f"Log in again in {PROGRAMS[account.source.kind]}; cwproxy then takes the login from {account.source.path}."


async def _token(store: Store, account: Account, whose: str) -> Finding:
    if account.kind is AccountKind.IAM:
        try:
            await sigv4.require(account.aws_profile)
        except LoginRequired as error:
            return Finding(f"credentials{whose}", False, error.message, _DO_IT)
        return Finding(f"credentials{whose}", True, "found, and used for every call")
    name = f"token{whose}"
    token = store.token(account.id)
    if token is None:
        return Finding(name, False, "there is none", _log_in_again(account))
    if math.isinf(token.expires_at):
        return Finding(name, True, "an API key, which has no end")
    left = token.expires_at - time.time()
    good = left > 0 or token.refresh_token is not None
    detail = f"good for {left / 60:.0f} min" if left > 0 else "expired; it will be renewed" if good else "expired"
    return Finding(name, good, detail, _log_in_again(account))


async def _models(settings: Settings, store: Store, account: Account, name: str) -> Finding:
    keeper = TokenKeeper(store, login_services(settings))
    try:
        selected = Selector(store, keeper, routing(settings)).selected(account)
        async with open_upstream(settings) as upstream:
            models = await listed(upstream, selected)
    except CwproxyError as error:
        return Finding(name, False, error.message, advice(error, account) or _DO_IT)
    finally:
        await keeper.aclose()
    return Finding(name, True, f"{len(models)} on offer: {', '.join(models)}")
