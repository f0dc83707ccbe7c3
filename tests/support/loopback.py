"""The proxy and the simulator in one process, on real ports of the loopback interface: quicker to start than `stack`.

async with proxy("kiro") as stack:
    ...                              # an OpenAI client with the base URL f"{stack.url}/v1"
    stack.simulator.received()
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.support.fleet import fleet
from tests.support.server import run_server
from tests.support.simulator import Kind, SimulatedAccount, Simulator

from cwproxy.accounts.selection import Selected
from cwproxy.api import AccessPolicy, Limits, create_app
from cwproxy.auth.bearer import Bearer, Replacement
from cwproxy.codewhisperer.surfaces import Surface, Target, api_region
from cwproxy.service import Options, Service
from cwproxy.upstream import Upstream

LOGINS: Final[Mapping[str, Kind]] = {"q": "builder-id", "kiro": "identity-center"}
"""The kind of account for each surface: Builder ID has no profile, and the kiro surface demands one."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """url: the proxy's, without `/v1`. account: the one that the proxy uses."""

    url: str
    simulator: Simulator
    account: SimulatedAccount


@asynccontextmanager
async def proxy(
    surface: str,
    *,
    kind: Kind | None = None,
    sso_region: str = "us-east-1",
    profile_arns: Sequence[str] | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> AsyncIterator[Loopback]:
    """A proxy that is logged in. `options` are the simulator's; its endpoint tells it the region of each call."""
    with Simulator(**options) as simulator:
        account = simulator.account(kind or LOGINS[surface], region=sso_region, profile_arns=profile_arns)
        arn = account.profile_arns[0] if account.profile_arns else None
        target = Target(Surface(surface), api_region(arn, sso_region), simulator.url + "/{region}", arn)
        selected = Selected(account.id, target, Bearer(_Token(account.token)))
        upstream = Upstream()
        access = AccessPolicy.of(keys=[], host="127.0.0.1", names=[])
        try:
            async with fleet(selected) as accounts:
                service = Service(accounts=accounts, upstream=upstream, options=Options())
                async with run_server(create_app(service, access, limits=limits)) as url:
                    yield Loopback(url, simulator, account)
                await service.aclose()
        finally:
            await upstream.aclose()


class _Token:
    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, stale: str) -> Replacement:
        return Replacement(self._token)
