"""What `cwproxy login` and `cwproxy logout` do, without the terminal. The page for a browser is imported when it is
needed: a server's start does not wait for it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import assert_never
from uuid import uuid4

import httpx
from msgspec.structs import replace

from cwproxy.accounts.identity import Request
from cwproxy.accounts.profiles import API_REGIONS, ControlPlane
from cwproxy.accounts.selection import Routing, default_surface, target_of, token_type
from cwproxy.accounts.spending import client_registration
from cwproxy.auth import device, sigv4
from cwproxy.auth.clock import Clock
from cwproxy.auth.device import Prompt
from cwproxy.auth.grants import ClientRegistration, Grant, Login
from cwproxy.auth.services import LoginServices
from cwproxy.codewhisperer.catalog import Profile
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import AccountUnusable, BackendError, CredentialRejected, LoginFailed, LoginRequired
from cwproxy.store import Account, AccountKind, AccountState, Registration, Secret, Store, Token

_API_KEY = re.compile(r"ksk_[!-~]{8,}")

Tell = Callable[[Prompt], Awaitable[None]]
Choose = Callable[[Sequence[Profile]], Awaitable[Profile]]


async def first_profile(profiles: Sequence[Profile]) -> Profile:
    return profiles[0]


class LoginDesk:
    """Logs accounts in and out of `store`.

    http: a client for the control plane. endpoint: a base URL for it instead of AWS's.
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
        self._plane = ControlPlane(http, endpoint)
        self._clock = clock or Clock()

    async def log_in(self, request: Request, tell: Tell, choose: Choose = first_profile) -> Account:
        """The account, stored. The same identity (kind, start URL, region, profile and an explicit label) keeps its
        account and gets the new tokens; so does the same person, where `request` is for another account.

        tell: shows the person where to go. choose: picks one of the profiles of an Identity Center login where none is
        named, also where there is only one; what it raises comes out before anything is stored.
        Raises LoginFailed, SettingsError, StoreError, and BackendError when the service cannot be asked about profiles
        or the key.
        """
        request = request.normal()
        surface = _fitting_surface(request)
        match request.kind:
            case AccountKind.IAM:
                return await self._log_in_with_aws(request)
            case AccountKind.API_KEY:
                return await self._log_in_with_key(request, surface)
            case AccountKind.EXTERNAL_IDP:
                raise LoginFailed(
                    "A login at a company's own identity provider is made in Kiro; take it over from Kiro's files "
                    "with `cwproxy accounts import`."
                )
            case AccountKind.SOCIAL:
                login = await self._log_in_social(request, tell)
                profile_arn = request.profile_arn or login.grant.profile_arn
                if profile_arn is None:
                    profile_arn = await self._profile(request, surface, login.grant, choose)
            case AccountKind.BUILDER_ID:
                login, profile_arn = await self._log_in_aws(request, tell), None
            case AccountKind.IDENTITY_CENTER:
                login = await self._log_in_aws(request, tell)
                profile_arn = await self._profile(request, surface, login.grant, choose)
            case _:
                assert_never(request.kind)
        return await self._keep(request, login, profile_arn)

    async def log_out(self, account_id: str) -> bool:
        """Forget the account and wipe its secrets; False if there is none. Raises StoreError."""
        return await asyncio.to_thread(self._store.remove, account_id)

    async def _log_in_aws(self, request: Request, tell: Tell) -> Login:
        oidc = self._services.oidc(request.region)
        try:
            if request.browser:
                from cwproxy.auth import pkce

                return await pkce.log_in(oidc, request.start_url, tell)
            registration = await asyncio.to_thread(self._known_registration, request)
            return await device.log_in(oidc, request.start_url, tell, registration=registration, clock=self._clock)
        finally:
            await oidc.aclose()

    async def _log_in_social(self, request: Request, tell: Tell) -> Login:
        web = self._services.web()
        try:
            social = self._services.social(request.region, web)
            if request.browser:
                from cwproxy.auth import pkce

                return await pkce.log_in_social(social, request.provider, tell)
            return await device.log_in_social(social, request.provider, tell, clock=self._clock)
        finally:
            await web.aclose()

    async def _log_in_with_aws(self, request: Request) -> Account:
        """The credentials stay with AWS's tools; only which of them is kept."""
        if request.aws_profile is not None:
            known = await sigv4.profiles()
            if request.aws_profile not in known:
                listed = f"there are {', '.join(known)}" if known else "there is none"
                raise LoginFailed(f"There is no profile {request.aws_profile!r} in your AWS files; {listed}.")
        await sigv4.require(request.aws_profile)
        return await self._keep(request, None, None)

    async def _log_in_with_key(self, request: Request, surface: Surface) -> Account:
        """The key is stored only when the service has taken it; that also shows its region."""
        key = "" if request.api_key is None else request.api_key.reveal().strip()
        if not _API_KEY.fullmatch(key):
            raise LoginFailed("This is no Kiro API key: those are `ksk_` and eight characters or more, without spaces.")
        refusal: BackendError | None = None
        for region in (request.sso_region,) if request.sso_region else API_REGIONS:
            try:
                await self._plane.check(surface, region, key, token_type(request.kind))
            except (CredentialRejected, AccountUnusable) as error:
                refusal = error
                continue
            login = Login(None, Grant(key, None, inf))
            return await self._keep(request, login, None, region)
        raise LoginFailed(
            "Kiro did not accept the API key. Check that it is whole and has not been revoked, and give --region where "
            "it is of a region of its own."
        ) from refusal

    async def _profile(self, request: Request, surface: Surface, grant: Grant, choose: Choose) -> str:
        profiles = await self._plane.profiles(surface, grant.access_token)
        if request.profile_arn is None:
            return (await choose(profiles)).arn
        if request.profile_arn in [profile.arn for profile in profiles]:
            return request.profile_arn
        listed = ", ".join(profile.arn for profile in profiles)
        raise LoginFailed(f"There is no profile {request.profile_arn}; this user has {listed}.")

    def _known_registration(self, request: Request) -> ClientRegistration | None:
        for account in self._store.accounts():
            if request.is_for(account):
                registration = self._store.registration(account.id)
                return None if registration is None else client_registration(registration)
        return None

    async def _keep(
        self, request: Request, login: Login | None, profile_arn: str | None, region: str | None = None
    ) -> Account:
        """login: None for IAM."""
        made = Account(
            id=uuid4().hex,
            kind=request.kind,
            label=request.name,
            sso_region=region or request.region,
            created_at=self._clock.now(),
            start_url=request.own_start_url,
            profile_arn=profile_arn,
            surface=None if request.surface is None else request.surface.value,
            aws_profile=request.aws_profile,
        )
        known = await asyncio.to_thread(self._store.accounts)
        if request.another and request.label is None and login is not None:
            before = await self._of_the_same_person(request, login, made, known)
        else:
            center = request.kind is AccountKind.IDENTITY_CENTER
            before = [it for it in known if request.is_for(it) and not (center and it.profile_arn != profile_arn)]
        before.sort(key=lambda account: account.label != request.name)
        return await asyncio.to_thread(self._put, request, login, made, before)

    async def _of_the_same_person(
        self, request: Request, login: Login, made: Account, known: Sequence[Account]
    ) -> list[Account]:
        """Those of `known` whose login `login` may take the place of: the same key, or a token that is known to be the
        same person's for the same profile.
        """
        rivals = [it for it in known if request.may_be(it) and it.profile_arn == made.profile_arn]
        tokens = [(it, await asyncio.to_thread(self._store.token, it.id)) for it in rivals]
        live = [(it, token) for it, token in tokens if token is not None and token.expires_at > self._clock.now()]
        if request.kind is AccountKind.API_KEY:
            return [it for it, token in live if token.access_token == Secret(login.grant.access_token)]
        person = await self._person(made, login.grant.access_token) if live else None
        return [it for it, token in live if person and await self._person(it, token.access_token.reveal()) == person]

    async def _person(self, account: Account, access_token: str) -> str | None:
        try:
            target = target_of(account, Routing(endpoint=self._plane.endpoint))
        except LoginRequired:  # the account is of another version's making
            return None
        return await self._plane.person(target, access_token)

    def _put(self, request: Request, login: Login | None, made: Account, before: Sequence[Account]) -> Account:
        """In the place of the first of `before` that is still there, else as `made`."""
        token = None if login is None else self._token(login.grant)
        registration = None if login is None or login.registration is None else _stored(login.registration)
        for account in before:
            if token is None or self._store.replace_login(account.id, token, registration):
                return self._brought_up_to_date(account, request, made)
        account = replace(made, label=request.free_name([it.label for it in self._store.accounts()]))
        self._store.add(account, token, registration)
        return account

    def _brought_up_to_date(self, account: Account, request: Request, made: Account) -> Account:
        if account.state is AccountState.NEEDS_LOGIN:
            self._store.set_state(account.id, AccountState.ACTIVE)  # for IAM, where no new token says so
        if request.surface is not None:
            self._store.set_surface(account.id, request.surface.value)
        if made.sso_region != account.sso_region:
            self._store.set_region(account.id, made.sso_region)
        if made.profile_arn != account.profile_arn:
            self._store.set_profile(account.id, made.profile_arn)
        return self._store.account(account.id) or account

    def _token(self, grant: Grant) -> Token:
        return Token(
            access_token=Secret(grant.access_token),
            refresh_token=None if grant.refresh_token is None else Secret(grant.refresh_token),
            expires_at=self._clock.now() + grant.expires_in,
        )


def _fitting_surface(request: Request) -> Surface:
    """Raises LoginFailed for one that can never take this kind of credential."""
    surface = request.surface or default_surface(request.kind)
    if (surface is Surface.Q_IAM) != (request.kind is AccountKind.IAM):
        raise LoginFailed(
            "The surface q-iam takes AWS credentials (`cwproxy login iam`) and nothing else, and no other takes them."
        )
    return surface


def _stored(registration: ClientRegistration) -> Registration:
    return Registration(
        client_id=registration.client_id,
        client_secret=Secret(registration.client_secret),
        expires_at=registration.expires_at,
        region=registration.region,
        scopes=registration.scopes,
    )
