"""`cwproxy keys`: making, listing and revoking API keys. Running servers see each change within two seconds."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import msgspec

from cwproxy.accounts.figures import iso
from cwproxy.cli.tables import print_rows
from cwproxy.errors import SettingsError
from cwproxy.filters import Buffering
from cwproxy.settings import Settings
from cwproxy.store.keys import ApiKey, KeyKind, KeyLimits, Keys, new_key
from cwproxy.wiring import open_store

_LONGEST_NAME = 60
_HEADINGS = ("id", "name", "key", "kind", "made", "state", "limits", "models", "buffered")


@dataclass(frozen=True, slots=True)
class WantedKey:
    """What `keys create` was asked for."""

    name: str
    admin: bool = False
    limits: KeyLimits = KeyLimits()
    models: tuple[str, ...] = ()
    buffered: Buffering | None = None


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A key as `--json` shows it. `key` only when it is made."""

    id: str
    name: str
    prefix: str
    kind: str
    created_at: str
    revoked_at: str | None
    requests_per_minute: int | None
    in_flight: int | None
    monthly_credits: float | None
    models: list[str] | None
    buffered: Buffering | None
    key: str | msgspec.UnsetType = msgspec.UNSET


async def create(settings: Settings, wanted: WantedKey, *, as_json: bool) -> None:
    """The key goes to standard output, and nowhere else, this once. Raises SettingsError and StoreError."""
    _check(wanted)
    kind = KeyKind.ADMIN if wanted.admin else KeyKind.CLIENT
    models = frozenset(wanted.models) or None
    key, secret = new_key(
        wanted.name, now=time.time(), kind=kind, limits=wanted.limits, models=models, buffered=wanted.buffered
    )
    async with open_store(settings) as store:
        keys = Keys(store.database)
        before = await asyncio.to_thread(keys.all)
        if not await asyncio.to_thread(keys.add, key):
            raise SettingsError(f"there is a key {wanted.name!r} already; revoke it, or take another name")
    if as_json:
        _print_json(_shown(key, secret.reveal()))
        return
    print(secret.reveal())
    print(f"This is the key {key.name!r} ({key.id}). It is not shown again: only its hash is kept.", file=sys.stderr)
    if kind is KeyKind.CLIENT and not settings.api_keys and not any(each.kind is kind for each in before):
        print("It is the first one: from now on every client has to show a key.", file=sys.stderr)


async def list_keys(settings: Settings, *, as_json: bool) -> None:
    """Raises StoreError."""
    async with open_store(settings) as store:
        keys = await asyncio.to_thread(Keys(store.database).all)
    if as_json:
        _print_json([_shown(key) for key in keys])
        return
    print_rows(_HEADINGS, [_row(key) for key in keys])
    if settings.api_keys:
        print(f"and {len(settings.api_keys)} in the settings (api_keys)", file=sys.stderr)


async def revoke(settings: Settings, which: str, *, forget: bool) -> None:
    """which: an id, a name or a prefix. Raises SettingsError when it means no key or several, and StoreError."""
    async with open_store(settings) as store:
        keys = Keys(store.database)
        every = await asyncio.to_thread(keys.all)
        key = _the_one(every, which, forget=forget)
        revoked = await asyncio.to_thread(keys.revoke, key.id, now=time.time())
        if forget:
            await asyncio.to_thread(keys.forget, key.id)
    print(f"{'revoked' if revoked else 'forgotten'}: {key.name!r} ({key.id})")
    others = [each for each in every if each.id != key.id and each.kind is KeyKind.CLIENT]
    if key.kind is not KeyKind.CLIENT or settings.api_keys or any(each.revoked_at is None for each in others):
        return
    if others or not forget:
        print(
            "No client's key is left, so nobody is let in. Make another one, or give every revoked one `--forget` to "
            "let everybody on this machine in again.",
            file=sys.stderr,
        )


def _check(wanted: WantedKey) -> None:
    """Raises SettingsError for a key that nobody can want."""
    if not wanted.name.isprintable() or not 0 < len(wanted.name.strip()) == len(wanted.name) <= _LONGEST_NAME:
        raise SettingsError(f"the name of a key has to be of 1 to {_LONGEST_NAME} printable characters")
    if wanted.admin and (wanted.models or wanted.buffered or wanted.limits != KeyLimits()):
        raise SettingsError(
            "limits, models and buffered mode are for clients' keys: an operator's key opens `/admin` only"
        )
    if not isfinite(wanted.limits.monthly_credits or 0):
        raise SettingsError("the monthly credits have to be a number; leave the option out for no limit")
    for limit, value in msgspec.structs.asdict(wanted.limits).items():
        if value == 0:
            option = limit.replace("_", "-")
            raise SettingsError(
                f"--{option} 0: such a key could never ask for anything; leave the option out for no limit"
            )


def _the_one(keys: Sequence[ApiKey], which: str, *, forget: bool) -> ApiKey:
    meant = [key for key in keys if which in (key.id, key.name, key.prefix)]
    meant = [key for key in meant if key.revoked_at is None] or (meant if forget else [])
    if not meant:
        raise SettingsError(f"there is no key {which[:_LONGEST_NAME]!r} to be revoked; see `cwproxy keys list`")
    if len(meant) > 1:
        raise SettingsError(f"several keys are meant by {which!r}; give the id: {', '.join(key.id for key in meant)}")
    return meant[0]


def _shown(key: ApiKey, secret: str | None = None) -> _Shown:
    return _Shown(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        kind=key.kind.value,
        created_at=iso(key.created_at),
        revoked_at=None if key.revoked_at is None else iso(key.revoked_at),
        requests_per_minute=key.limits.requests_per_minute,
        in_flight=key.limits.in_flight,
        monthly_credits=key.limits.monthly_credits,
        models=None if key.models is None else sorted(key.models),
        buffered=key.buffered,
        key=msgspec.UNSET if secret is None else secret,
    )


def _print_json(shown: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode() + "\n")


def _row(key: ApiKey) -> tuple[str, ...]:
    state = "in use" if key.revoked_at is None else f"revoked {iso(key.revoked_at)}"
    models = "all" if key.models is None else ", ".join(sorted(key.models))
    return (
        key.id,
        key.name,
        f"{key.prefix}...",
        key.kind.value,
        iso(key.created_at),
        state,
        _limits(key),
        models,
        key.buffered or "-",
    )


def _limits(key: ApiKey) -> str:
    limits = key.limits
    named = (
        (limits.requests_per_minute, "requests/min"),
        (limits.in_flight, "at a time"),
        (limits.monthly_credits, "credits/month"),
    )
    return ", ".join(f"{value:g} {unit}" for value, unit in named if value is not None) or "none"
