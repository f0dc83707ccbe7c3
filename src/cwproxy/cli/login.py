"""`cwproxy login`, `logout` and `whoami`."""

import json
import sys
import time
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from cwproxy.accounts.login import LoginDesk, Request, first_profile
from cwproxy.auth.device import BUILDER_ID_START_URL, Prompt
from cwproxy.codewhisperer.catalog import Profile
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import CwproxyError, LoginFailed, LoginRequired
from cwproxy.settings import Settings
from cwproxy.store import Account, AccountKind, Store
from cwproxy.wiring import login_services, open_store, open_upstream

SIMULATED_START_URL = "https://d-1234567890.awsapps.com/start"
"""An Identity Center of the simulator's, for surfaces that need a profile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for. region: of the Identity Center, or for IAM, of the API."""

    start_url: str | None
    region: str = "us-east-1"
    browser: bool = False
    iam: bool = False

    @classmethod
    def fitting(cls, surface: Surface | None) -> Self:
        """The kind of account that a surface needs, where any of a simulator's will do."""
        return cls(start_url=SIMULATED_START_URL if surface is Surface.KIRO else None)

    def request(self, surface: Surface | None) -> Request:
        if self.iam:
            return Request(AccountKind.IAM, sso_region=self.region, surface=surface)
        if self.start_url is None or self.start_url.rstrip("/") == BUILDER_ID_START_URL:
            return Request(AccountKind.BUILDER_ID, surface=surface)
        return Request(AccountKind.IDENTITY_CENTER, self.start_url, self.region, surface=surface)


async def login(settings: Settings, wanted: Wanted) -> None:
    """Shows the code, waits for the person, stores the account. Needs no terminal."""
    console = Console(stderr=True, highlight=False)
    with console.status("Asking for a code …") as status:

        async def tell(prompt: Prompt) -> None:
            console.print(f"Open    {prompt.url}", soft_wrap=True)
            console.print(f"Check   that it shows the code [bold]{prompt.user_code}[/]")
            if wanted.browser and not webbrowser.open(prompt.url):
                console.print("No browser could be opened here; any other device will do.")
            status.update(
                f"Waiting until you have confirmed it (the code is good for {prompt.expires_in / 60:.0f} min) …"
            )
            if not console.is_terminal:
                console.print("Waiting for the confirmation …")

        async def choose(profiles: Sequence[Profile]) -> Profile:
            if settings.profile_arn is not None:
                return _named(profiles, settings.profile_arn)
            if len(profiles) == 1 or not (sys.stdin.isatty() and console.is_terminal):
                return await first_profile(profiles)
            status.stop()
            return _asked(console, profiles)

        async with open_store(settings) as store, open_upstream(settings) as upstream:
            desk = LoginDesk(store, login_services(settings), upstream.http, endpoint=settings.endpoint)
            account = await desk.log_in(wanted.request(settings.surface), tell, choose)
    where = f", profile {account.profile_arn}" if account.profile_arn else ""
    print(f"Logged in as {account.label} ({account.kind.value}{where}).")


async def log_in_quietly(settings: Settings, wanted: Wanted, directory: Path) -> None:
    """For a simulator that approves by itself."""

    async def tell(_: Prompt) -> None:
        pass

    async with open_store(settings, directory) as store, open_upstream(settings) as upstream:
        desk = LoginDesk(store, login_services(settings), upstream.http, endpoint=settings.endpoint)
        await desk.log_in(wanted.request(None), tell)


async def logout(settings: Settings, account_id: str | None) -> None:
    async with open_store(settings) as store, open_upstream(settings) as upstream:
        account = _one(store, account_id)
        await LoginDesk(store, login_services(settings), upstream.http).log_out(account.id)
    print(f"Forgot {account.label} ({account.kind.value}).")


async def whoami(settings: Settings, *, as_json: bool) -> None:
    """Raises LoginRequired when nobody is logged in, so that scripts can tell."""
    async with open_store(settings) as store:
        rows = [(account, _token_end(store, account)) for account in store.accounts()]
    if not rows:
        raise LoginRequired("No account is logged in. Run `cwproxy login`.")
    if as_json:
        print(json.dumps([_facts(account, end) for account, end in rows], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "account", "kind", "profile", "state", "access token"):
        table.add_column(heading, overflow="fold")
    for account, end in rows:
        state = f"{account.state.value} {account.state_detail}".strip()
        profile = account.profile_arn or ""
        table.add_row(account.id[:8], account.label, account.kind.value, profile, state, _until(end))
    Console().print(table)


def _one(store: Store, account_id: str | None) -> Account:
    accounts = store.accounts()
    matching = [account for account in accounts if account.id.startswith(account_id or "")]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise LoginRequired("There is no such account; see `cwproxy whoami`." if account_id else "Nobody is logged in.")
    raise CwproxyError("Several accounts fit; give the id of one, see `cwproxy whoami`.")


def _named(profiles: Sequence[Profile], arn: str) -> Profile:
    for profile in profiles:
        if profile.arn == arn:
            return profile
    listed = ", ".join(profile.arn for profile in profiles)
    raise LoginFailed(f"There is no profile {arn}; this user has {listed}.")


def _asked(console: Console, profiles: Sequence[Profile]) -> Profile:
    for number, profile in enumerate(profiles, 1):
        console.print(f"{number:3}  {profile.name or profile.arn}  [dim]{profile.arn}[/]", soft_wrap=True)
    while True:
        answer = console.input(f"Which profile? [1-{len(profiles)}, default 1] ").strip() or "1"
        if answer.isdigit() and 1 <= int(answer) <= len(profiles):
            return profiles[int(answer) - 1]


def _token_end(store: Store, account: Account) -> float | None:
    token = store.token(account.id)
    return None if token is None else token.expires_at


def _until(end: float | None) -> str:
    if end is None:
        return "from AWS credentials"
    left = end - time.time()
    return f"good for {left / 60:.0f} min" if left > 0 else "expired, renewed on use"


def _facts(account: Account, end: float | None) -> dict[str, object]:
    return {
        "id": account.id,
        "label": account.label,
        "kind": account.kind.value,
        "start_url": account.start_url,
        "sso_region": account.sso_region,
        "profile_arn": account.profile_arn,
        "surface": account.surface,
        "state": account.state.value,
        "state_detail": account.state_detail,
        "access_token_expires_at": end,
    }
