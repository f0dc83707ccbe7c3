"""Part of `cwproxy doctor`: whether the hosts of logins and calls can be reached from here, and whether this machine's
clock agrees with theirs.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import assert_never

import httpx

from cwproxy.auth.device import BUILDER_ID_REGION
from cwproxy.codewhisperer.surfaces import Call, Surface, Target, models_call
from cwproxy.errors import CwproxyError, SettingsError
from cwproxy.settings import Settings
from cwproxy.store import Account, AccountKind
from cwproxy.upstream import Upstream
from cwproxy.upstream.errors import converted
from cwproxy.wiring import open_upstream

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


def login_host(account: Account | None) -> str | None:
    """The host of its logins and renewals: for nobody, that of a Builder ID; None where the kind has none of ours."""
    if account is None:
        return f"oidc.{BUILDER_ID_REGION}.amazonaws.com"
    match account.kind:
        case AccountKind.BUILDER_ID | AccountKind.IDENTITY_CENTER:
            return f"oidc.{account.sso_region}.amazonaws.com"
        case AccountKind.SOCIAL:
            return f"prod.{account.sso_region}.auth.desktop.kiro.dev"
        case AccountKind.EXTERNAL_IDP | AccountKind.API_KEY | AccountKind.IAM:
            return None
        case _:
            assert_never(account.kind)


async def reach(settings: Settings, where: Target | None, login: str | None) -> AsyncGenerator[Finding, None]:
    """By unauthenticated calls, whose refusals carry the date, to the host `login` and to that of `where`, the target
    of an account; None for one that is not asked for. A proxy and a CA bundle are used, and judged, as for every call.
    """
    dates: list[tuple[str, str]] = []
    try:
        async with open_upstream(settings) as upstream:
            for call in _calls(settings, where, login):
                host = httpx.URL(call.url).host
                dates.append((host, await _date(upstream, call, host)))
                yield Finding("network", True, f"{host} answers")
    except SettingsError as error:
        yield Finding("network", False, error.message, "Correct the setting.")
        return
    except CwproxyError as error:
        yield Finding(
            "network",
            False,
            error.message,
            "Check the network; behind a proxy set CWPROXY_UPSTREAM_PROXY, behind a private CA CWPROXY_CA_BUNDLE.",
        )
        return
    yield _clock(*next((date for date in dates if date[1]), dates[0]))


def _calls(settings: Settings, where: Target | None, login: str | None) -> list[Call]:
    """An endpoint of the settings is everything in one."""
    if settings.endpoint is not None:
        return [models_call(where or Target(Surface.Q, BUILDER_ID_REGION, settings.endpoint))]
    asked = [] if login is None else [Call("GET", f"https://{login}/", {}, None)]
    return asked if where is None else [*asked, models_call(where)]


async def _date(upstream: Upstream, call: Call, host: str) -> str:
    """What the host says of the time, or nothing. Raises CwproxyError where it cannot be reached."""
    with converted(host):
        async with asyncio.timeout(REACH_SECONDS):
            response = await upstream.http.request(call.method, call.url, headers=call.headers, content=call.body)
    return str(response.headers.get("date", ""))


def _clock(host: str, said: str) -> Finding:
    try:
        off = parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        return Finding("clock", None, f"{host} does not say what time it is")
    detail = f"{abs(off):.0f} s {'behind' if off > 0 else 'ahead of'} {host}"
    return Finding("clock", abs(off) < CLOCK_SECONDS, detail, "Set this machine's clock, for example with NTP.")
