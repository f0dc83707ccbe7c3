"""How a refresh token is spent: each kind of account has its own login service."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from cwproxy.auth.clock import Limit
from cwproxy.auth.grants import ClientRegistration, Grant, Reason, Refusal
from cwproxy.auth.oidc import Oidc
from cwproxy.auth.services import LoginServices
from cwproxy.store import Account, AccountKind, Registration, Token

Spend: TypeAlias = Callable[[Limit], Awaitable[Grant | Refusal]]
"""Nothing is sent after the limit, and no answer is waited for."""


class Spender:
    """Its clients are made when they are needed and kept until `aclose`."""

    def __init__(self, services: LoginServices) -> None:
        self._services = services
        self._web = services.web()
        self._oidc: dict[str, Oidc] = {}

    async def aclose(self) -> None:
        for client in self._oidc.values():
            await client.aclose()
        self._oidc.clear()
        await self._web.aclose()

    def of(self, account: Account, registration: Registration | None, token: Token) -> Spend | None:
        """The call that spends the refresh token of `token`, once each time that it is made; None where there is
        nothing to renew the token with. Raises SettingsError for an account of an impossible region.
        """
        if token.refresh_token is None:
            return None
        refresh_token = token.refresh_token.reveal()
        match account.kind:
            case AccountKind.BUILDER_ID | AccountKind.IDENTITY_CENTER:
                if registration is None:
                    return None
                oidc, client = self._oidc_of(account), client_registration(registration)
                return lambda until: _within(until, lambda: oidc.refresh(client, refresh_token, until=until))
            case AccountKind.SOCIAL:
                social = self._services.social(account.sso_region, self._web)
                return lambda until: _within(until, lambda: social.refresh(refresh_token))
            case AccountKind.EXTERNAL_IDP:
                if registration is None or account.start_url is None:
                    return None
                idp = self._services.external(account.sso_region, self._web)
                url, client_id, scopes = account.start_url, registration.client_id, registration.scopes
                return lambda until: _within(until, lambda: idp.refresh(url, client_id, refresh_token, scopes))
            case AccountKind.API_KEY | AccountKind.IAM:
                return None
            case _:
                assert_never(account.kind)

    def _oidc_of(self, account: Account) -> Oidc:
        client = self._oidc.get(account.sso_region)
        if client is None:
            client = self._oidc[account.sso_region] = self._services.oidc(account.sso_region)
        return client


async def _within(until: Limit, call: Callable[[], Awaitable[Grant | Refusal]]) -> Grant | Refusal:
    """Who leaves httpx closes its connection, so that nothing is sent later; boto3 looks at `until` itself."""
    left = until.left()
    if left <= 0:
        return Refusal(Reason.UNAVAILABLE, "there was no time left to ask it")
    try:
        async with asyncio.timeout(left):
            return await call()
    except TimeoutError:
        return Refusal(Reason.UNAVAILABLE, "it gave no whole answer in time", ambiguous=True)


def client_registration(registration: Registration) -> ClientRegistration:
    return ClientRegistration(
        client_id=registration.client_id,
        client_secret=registration.client_secret.reveal(),
        expires_at=registration.expires_at,
        region=registration.region,
        scopes=registration.scopes,
    )
