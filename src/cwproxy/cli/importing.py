"""`cwproxy accounts import`: another program's login as an account."""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cwproxy.accounts.profiles import ControlPlane
from cwproxy.accounts.selection import default_surface
from cwproxy.accounts.sources import locations
from cwproxy.accounts.sources.importing import Wanted, notice, put, source_at
from cwproxy.accounts.tokens import TokenKeeper
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import CwproxyError, SettingsError
from cwproxy.settings import Settings, program_data
from cwproxy.store import Account, AccountKind, Store
from cwproxy.wiring import login_services, open_accounts, open_upstream

KINDS = ("social", "builder-id", "identity-center", "external-idp")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which file is meant."""

    path: Path | None = None
    kiro: bool = False
    q_cli: bool = False
    kiro_cli: bool = False

    def place(self) -> Path:
        """Raises SettingsError unless one is chosen."""
        home, data = Path.home(), program_data()
        chosen = [path for path in (self.path,) if path is not None]
        if self.kiro:
            chosen.append(Path(locations.kiro_ide(home)))
        if self.q_cli:
            chosen.append(Path(locations.q_cli(sys.platform, home, data)))
        if self.kiro_cli:
            chosen.append(Path(locations.kiro_cli(sys.platform, home, data)))
        if len(chosen) != 1:
            raise SettingsError("Say what to import: a path, --kiro, --q-cli or --kiro-cli.")
        return chosen[0].expanduser()


async def import_login(
    settings: Settings, chosen: Chosen, *, share: bool, label: str | None, kind: str | None, region: str | None
) -> None:
    """Says on standard error what sharing or copying means."""
    if kind is not None and kind not in KINDS:
        raise SettingsError(f"There is no kind {kind!r} of login in such a file; there are {', '.join(KINDS)}.")
    wanted = Wanted(
        source=await asyncio.to_thread(source_at, chosen.place()),
        share=share,
        label=label,
        kind=None if kind is None else AccountKind(kind),
        region=region,
        profile_arn=settings.profile_arn,
        surface=None if settings.surface is None else settings.surface.value,
    )
    async with open_accounts(settings) as store:
        account, is_new = await asyncio.to_thread(lambda: put(store, wanted, now=time.time()))
        if not is_new:
            print(f"{account.label} has this login already (account {account.id[:8]}).")
            return
        account = await _with_profile(settings, store, account)
    where = f", profile {account.profile_arn}" if account.profile_arn else ""
    print(f"Imported {account.label} ({account.kind.value}{where}) as account {account.id[:8]}.")
    print(notice(wanted.source, account.kind, share=share), file=sys.stderr)


async def _with_profile(settings: Settings, store: Store, account: Account) -> Account:
    """The file of Kiro does not say which profile an Identity Center login uses. A service that does not answer now
    is no reason against the import.
    """
    if account.profile_arn is not None or account.kind not in (AccountKind.IDENTITY_CENTER, AccountKind.SOCIAL):
        return account
    keeper = TokenKeeper(store, login_services(settings))
    try:
        async with open_upstream(settings) as upstream:
            token = await keeper.source(account.id).token()
            surface = default_surface(account.kind) if account.surface is None else Surface(account.surface)
            profiles = await ControlPlane(upstream.http, settings.endpoint).profiles(surface, token)
    except CwproxyError as error:
        print(f"warning: the account's profile could not be found: {error.message}", file=sys.stderr)
        print("warning: import it again with --profile-arn, after `cwproxy accounts remove`.", file=sys.stderr)
        return account
    finally:
        await keeper.aclose()
    if len(profiles) > 1:
        others = ", ".join(profile.arn for profile in profiles[1:])
        print(f"Of several profiles the first is used; the others: {others} (--profile-arn).", file=sys.stderr)
    await asyncio.to_thread(store.set_profile, account.id, profiles[0].arn)
    return await asyncio.to_thread(store.account, account.id) or account
