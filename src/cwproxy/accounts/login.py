"""What `cwproxy login` and `cwproxy logout` do, without the terminal."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import httpx

from cwproxy.accounts.selection import default_surface
from cwproxy.accounts.spending import client_registration
from cwproxy.auth import device
from cwproxy.auth.clock import Clock
from cwproxy.auth.device import Prompt
from cwproxy.auth.grants import ClientRegistration, Login
from cwproxy.auth.services import LoginServices
from cwproxy.codewhisperer import failures
from cwproxy.codewhisperer.catalog import Profile, parse_profiles
from cwproxy.codewhisperer.surfaces import Surface, Target, profiles_call
from cwproxy.errors import BackendUnavailable, CwproxyError, LoginFailed
from cwproxy.store import Account, AccountKind, Registration, Secret, Store, Token

log = logging.getLogger("cwproxy.accounts")

API_REGIONS = ("us-east-1", "eu-central-1")
"""Where profiles live, whatever the region of the login (backend-rules.md C 6)."""

MAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to log in. label: None names the account after its kind; an explicit one keeps two accounts of the
    same kind and start URL apart. surface: instead of the kind's default.
    """

    kind: AccountKind
    start_url: str = device.BUILDER_ID_START_URL
    sso_region: str = device.BUILDER_ID_REGION
    label: str | None = None
    surface: Surface | None = None


async def first_profile(profiles: Sequence[Profile]) -> Profile:
    return profiles[0]


class LoginDesk:
    """Logs accounts in and out of `store`.

    http: a client for the control plane, used for Identity Center only. endpoint: a base URL for it instead of AWS's.
    """

    def __init__(
        self,
        store: Store,
        services: LoginServices,
        http: httpx.AsyncClient,
        *,
        endpoint: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._services = services
        self._endpoint = endpoint
        self._http = http
        self._clock = clock or Clock()

    async def log_in(
        self,
        request: Request,
        tell: Callable[[Prompt], Awaitable[None]],
        choose: Callable[[Sequence[Profile]], Awaitable[Profile]] = first_profile,
    ) -> Account:
        """The account, stored. The same identity (kind, start URL, region, profile and an explicit label) keeps its
        account and gets the new tokens.

        tell: shows the person the code. choose: picks one of the profiles of an Identity Center login, also where
        there is only one; what it raises comes out before anything is stored.
        Raises LoginFailed, StoreError, and BackendError when the profiles cannot be listed.
        """
        if request.kind is AccountKind.IAM:
            return await asyncio.to_thread(self._put_iam, request)
        known = [account for account in await asyncio.to_thread(self._store.accounts) if _is_of(account, request)]
        login = await self._device_login(request, tell, known)
        profile_arn = None
        if request.kind is AccountKind.IDENTITY_CENTER:
            profile_arn = (await self._profile(request, login.grant.access_token, choose)).arn
        return await asyncio.to_thread(self._put, request, login, profile_arn)

    async def log_out(self, account_id: str) -> bool:
        """Forget the account and wipe its secrets; False if there is none. Raises StoreError."""
        return await asyncio.to_thread(self._store.remove, account_id)

    async def _device_login(
        self, request: Request, tell: Callable[[Prompt], Awaitable[None]], known: list[Account]
    ) -> Login:
        old = await asyncio.to_thread(self._store.registration, known[0].id) if known else None
        oidc = self._services.oidc(request.sso_region)
        try:
            return await device.log_in(
                oidc,
                request.start_url,
                tell,
                registration=None if old is None else client_registration(old),
                clock=self._clock,
            )
        finally:
            await oidc.aclose()

    async def _profile(
        self, request: Request, access_token: str, choose: Callable[[Sequence[Profile]], Awaitable[Profile]]
    ) -> Profile:
        profiles: list[Profile] = []
        failure: CwproxyError | None = None
        surface = request.surface or default_surface(request.kind)
        for region in API_REGIONS:
            try:
                profiles += await self._profiles(Target(surface, region, self._endpoint), access_token)
            except CwproxyError as error:
                log.warning("profiles of %s cannot be listed: %s", region, error.message)
                failure = error
        distinct = list({profile.arn: profile for profile in profiles}.values())
        if distinct:
            return await choose(distinct)
        if failure is not None:
            raise failure
        raise LoginFailed(
            "The login worked, but no Q Developer or Kiro profile is assigned to this user. "
            "Ask the administrator of the Identity Center for a subscription, then run `cwproxy login` again."
        )

    async def _profiles(self, target: Target, access_token: str) -> list[Profile]:
        profiles: list[Profile] = []
        next_token: str | None = None
        for _ in range(MAX_PAGES):
            page = parse_profiles(await self._fetch(target, access_token, next_token))
            profiles += page.profiles
            next_token = page.next_token
            if next_token is None:
                break
        return profiles

    async def _fetch(self, target: Target, access_token: str, next_token: str | None) -> bytes:
        call = profiles_call(target, next_token=next_token)
        headers = {**call.headers, "authorization": f"Bearer {access_token}"}
        try:
            response = await self._http.request(call.method, call.url, headers=headers, content=call.body)
        except httpx.HTTPError as error:
            raise BackendUnavailable(f"{httpx.URL(call.url).host} cannot be reached to list the profiles.") from error
        if response.status_code != 200:
            raise failures.from_response(response.status_code, response.headers, response.content)
        return response.content

    def _put(self, request: Request, login: Login, profile_arn: str | None) -> Account:
        token = Token(
            access_token=Secret(login.grant.access_token),
            refresh_token=None if login.grant.refresh_token is None else Secret(login.grant.refresh_token),
            expires_at=self._clock.now() + login.grant.expires_in,
        )
        registration = None if login.registration is None else _stored(login.registration)
        for account in self._store.accounts():
            same = _is_of(account, request) and account.profile_arn == profile_arn
            if same and self._store.replace_login(account.id, token, registration):
                if request.surface is not None:
                    self._store.set_surface(account.id, request.surface.value)
                return self._store.account(account.id) or account
        account = self._new(request, profile_arn)
        self._store.add(account, token, registration)
        return account

    def _put_iam(self, request: Request) -> Account:
        """Credentials stay with AWS's tools; only the choice is kept."""
        for account in self._store.accounts():
            if _is_of(account, request):
                return account
        account = self._new(request, None)
        self._store.add(account)
        return account

    def _new(self, request: Request, profile_arn: str | None) -> Account:
        return Account(
            id=uuid4().hex,
            kind=request.kind,
            label=request.label or _label(request),
            sso_region=request.sso_region,
            created_at=self._clock.now(),
            start_url=_start_url(request),
            profile_arn=profile_arn,
            surface=None if request.surface is None else request.surface.value,
        )


def _is_of(account: Account, request: Request) -> bool:
    return (
        account.kind is request.kind
        and account.start_url == _start_url(request)
        and account.sso_region == request.sso_region
        and request.label in (None, account.label)
    )


def _start_url(request: Request) -> str | None:
    return None if request.kind is AccountKind.IAM else request.start_url


def _label(request: Request) -> str:
    """`acme` for https://acme.awsapps.com/start."""
    if request.kind is AccountKind.IDENTITY_CENTER:
        found = re.match(r"https?://([^./]+)\.", request.start_url)
        return found[1] if found else request.start_url
    return str(request.kind.value)


def _stored(registration: ClientRegistration) -> Registration:
    return Registration(
        client_id=registration.client_id,
        client_secret=Secret(registration.client_secret),
        expires_at=registration.expires_at,
        region=registration.region,
        scopes=registration.scopes,
    )
