"""`cwproxy login`, `logout` and `whoami`."""

import asyncio
import getpass
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from cwproxy.accounts.declarations import REGION
from cwproxy.accounts.identity import Request, is_builder_id
from cwproxy.accounts.login import LoginDesk, first_profile
from cwproxy.auth.device import BUILDER_ID_START_URL, Prompt
from cwproxy.auth.social import Provider
from cwproxy.cli.accounts import one_account, refuse_declared
from cwproxy.cli.browsing import opened
from cwproxy.codewhisperer.catalog import Profile
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import CwproxyError, LoginRequired, SettingsError
from cwproxy.settings import Settings
from cwproxy.store import Account, AccountKind, Secret, Store
from cwproxy.wiring import login_services, open_accounts, open_store, open_upstream

_REGION = re.compile(REGION)

SIMULATED_START_URL = "https://d-1234567890.awsapps.com/start"
"""An Identity Center of the simulator's, for surfaces that need a profile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for. kind: one of `KINDS`, or None for Builder ID, or Identity Center with a start URL.

    region: of the Identity Center, of the API key, or for IAM, of the API. browser: True logs in with a browser on
    this machine, False opens none, None opens the page of the code where that can be done. another: beside those that
    are logged in, never in the place of one.
    """

    kind: str | None = None
    start_url: str | None = None
    region: str | None = None
    browser: bool | None = False
    label: str | None = None
    provider: str = "google"
    aws_profile: str | None = None
    another: bool = False

    @classmethod
    def fitting(cls, surface: Surface | None) -> Self:
        """The kind of account that a surface needs, where any of a simulator's will do."""
        return cls(start_url=SIMULATED_START_URL if surface is Surface.KIRO else None)

    def request(self, settings: Settings) -> Request:
        """Raises SettingsError for what does not go together."""
        kind = self._kind()
        if kind is AccountKind.IDENTITY_CENTER and self.start_url is None:
            raise SettingsError("An Identity Center needs --start-url, such as https://d-1234567890.awsapps.com/start.")
        if self.start_url is not None and kind is not AccountKind.IDENTITY_CENTER and not is_builder_id(self.start_url):
            raise SettingsError(f"--start-url is for identity-center, not for {kind.value}.")
        if self.region is not None and kind is AccountKind.BUILDER_ID:
            raise SettingsError("--region is not for builder-id, which is at home in us-east-1.")
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise SettingsError(f"--region: {self.region!r} is no region of AWS, such as eu-west-1.")
        if self.aws_profile is not None and kind is not AccountKind.IAM:
            raise SettingsError(f"--aws-profile is for iam, not for {kind.value}.")
        return Request(
            kind,
            self.start_url or BUILDER_ID_START_URL,
            self.region,
            label=self.label,
            surface=settings.surface,
            profile_arn=settings.profile_arn,
            browser=self.browser is True,
            provider=_provider(self.provider),
            api_key=_api_key(settings) if kind is AccountKind.API_KEY else None,
            aws_profile=self.aws_profile,
            another=self.another,
        )

    def _kind(self) -> AccountKind:
        is_center = self.start_url is not None and not is_builder_id(self.start_url)
        if self.kind is None or (self.kind == "identity-center" and self.start_url is not None and not is_center):
            return AccountKind.IDENTITY_CENTER if is_center else AccountKind.BUILDER_ID
        if self.kind not in KINDS:
            raise SettingsError(f"There is no kind {self.kind!r} of login; there are {', '.join(KINDS)}.")
        return AccountKind(self.kind)


KINDS = ("builder-id", "identity-center", "social", "api-key", "iam")


async def login(settings: Settings, wanted: Wanted) -> None:
    """Shows where to go, waits for the person, stores the account. Needs no terminal."""
    request = wanted.request(settings)
    console = Console(stderr=True, highlight=False)
    with console.status("Asking the login service …") as status:

        async def tell(prompt: Prompt) -> None:
            await _show(console, prompt, opening=wanted.browser is not False)
            status.update(
                f"Waiting until you have confirmed it (there are {prompt.expires_in / 60:.0f} min for it) …"
                if prompt.user_code is None
                else f"Waiting until you have confirmed it (the code is good for {prompt.expires_in / 60:.0f} min) …"
            )
            if not console.is_terminal:
                console.print("Waiting for the confirmation …")

        async def choose(profiles: Sequence[Profile]) -> Profile:
            if len(profiles) == 1 or not (sys.stdin.isatty() and console.is_terminal):
                return await first_profile(profiles)
            status.stop()
            return _asked(console, profiles)

        async with open_store(settings) as store, open_upstream(settings) as upstream:
            desk = LoginDesk(store, login_services(settings), upstream.http, endpoint=settings.endpoint)
            before = {account.id for account in await asyncio.to_thread(store.accounts)}
            account = await desk.log_in(request, tell, choose)
    where = f", profile {account.profile_arn}" if account.profile_arn else ""
    print(f"Logged in as {account.label} ({account.kind.value}{where}).")
    if account.id in before:
        print(_replaced(account, wanted))


def _replaced(account: Account, wanted: Wanted) -> str:
    sentence = f"This replaced the login of {account.label}"
    if wanted.label is not None or account.kind is AccountKind.IAM:
        return f"{sentence}."
    if wanted.another:
        return f"{sentence}, which is the same person's; for a second account of theirs add `--label NAME`."
    return f"{sentence}; for another account add `--label NAME`."


async def _show(console: Console, prompt: Prompt, *, opening: bool) -> None:
    console.print(f"Open    {prompt.url}", soft_wrap=True)
    if prompt.user_code is None:
        if not await opened(prompt.url):
            console.print("No browser could be opened; open the page in one on this machine, no other will do.")
        return
    console.print(f"Check   that it shows the code [bold]{prompt.user_code}[/]")
    if opening and not await opened(prompt.url):
        console.print("No browser could be opened here; any other device will do.")


def _provider(name: str) -> Provider:
    for provider in Provider:
        if provider.value.lower() == name.lower():
            return provider
    raise SettingsError(f"--provider is {' or '.join(provider.value.lower() for provider in Provider)}.")


def _api_key(settings: Settings) -> Secret:
    """From the settings, else asked for without showing it, else a line of standard input. Never an argument, which
    every process of the machine could see.
    """
    if settings.kiro_api_key is not None:
        return Secret(settings.kiro_api_key.get_secret_value())
    if sys.stdin.isatty():
        return Secret(getpass.getpass("Kiro API key (it is not shown): "))
    return Secret(sys.stdin.readline().strip())


async def log_in_quietly(settings: Settings, wanted: Wanted, directory: Path) -> None:
    """For a simulator that approves by itself."""

    async def tell(_: Prompt) -> None:
        pass

    async with open_store(settings, directory) as store, open_upstream(settings) as upstream:
        desk = LoginDesk(store, login_services(settings), upstream.http, endpoint=settings.endpoint)
        await desk.log_in(wanted.request(settings), tell)


async def logout(settings: Settings, name: str | None) -> None:
    """name: as the other commands take it; None for the only account."""
    async with open_store(settings) as store, open_upstream(settings) as upstream:
        account = _only(store) if name is None else one_account(store, name)
        refuse_declared(settings, account)
        await LoginDesk(store, login_services(settings), upstream.http).log_out(account.id)
    print(f"Forgot {account.label} ({account.kind.value}).")


async def whoami(settings: Settings, *, as_json: bool) -> None:
    """Raises LoginRequired when nobody is logged in, so that scripts can tell."""
    async with open_accounts(settings) as store:
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


def _only(store: Store) -> Account:
    accounts = store.accounts()
    if not accounts:
        raise LoginRequired("Nobody is logged in.")
    if len(accounts) > 1:
        raise CwproxyError(f"There are several accounts; name one: {', '.join(it.label for it in accounts)}.")
    return accounts[0]


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
    if math.isinf(left):
        return "has no end"
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
        "aws_profile": account.aws_profile,
        "access_token_expires_at": None if end is None or math.isinf(end) else end,
    }
