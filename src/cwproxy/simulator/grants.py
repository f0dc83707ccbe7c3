"""The state behind the login: registered clients, device codes, and families of rotating refresh tokens.

Knows no HTTP. Refuses by raising `GrantError` with the OAuth error code of protocol.md 5.7. A refresh token works
once; showing a spent one again revokes its whole family (backend-rules.md C 3).
"""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from cwproxy.simulator.accounts import BUILDER_ID_START_URL, Account, AccountKind, Accounts
from cwproxy.simulator.clock import Clock
from cwproxy.simulator.options import SimulatorOptions

_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_POLL_TOLERANCE = 0.9
"""A poll may come a tenth of the interval early: timers and networks are not exact."""


class GrantError(Exception):
    """code: the `error` member; the message becomes `error_description`."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Client:
    """A registration. `grant_types` None means that the caller did not restrict itself. redirect_uris, issuer_url: of
    a registration for logins in a browser.
    """

    client_id: str
    client_secret: str
    name: str
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...] | None
    region: str | None
    issued_at: float
    expires_at: float
    redirect_uris: tuple[str, ...] = ()
    issuer_url: str | None = None


@dataclass(slots=True)
class DeviceGrant:
    """One device login, from its start to the one exchange for tokens. client, start_url: None at Kiro's own service,
    which has no registrations; provider: only there.
    """

    device_code: str
    user_code: str
    client: Client | None
    start_url: str | None
    region: str | None
    expires_at: float
    interval: float
    provider: str | None = None
    decision: Literal["pending", "approved", "denied"] = "pending"
    account_id: str | None = None
    polls: int = 0
    last_poll: float | None = None
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    refresh_token: str | None
    expires_in: int
    account: Account


@dataclass(slots=True)
class _Refresh:
    account_id: str
    family: str
    client_id: str | None
    region: str | None
    spent: bool = False


@dataclass(slots=True)
class Grants:
    """All of it. `next_login` names the account that the next approved login is for; it is used up by it."""

    options: SimulatorOptions
    clock: Clock
    accounts: Accounts
    next_login: str | None = None
    _clients: dict[str, Client] = field(default_factory=dict)
    _devices: dict[str, DeviceGrant] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def register(
        self,
        name: str,
        scopes: tuple[str, ...],
        grant_types: tuple[str, ...] | None,
        region: str | None,
        *,
        redirect_uris: tuple[str, ...] = (),
        issuer_url: str | None = None,
    ) -> Client:
        now = self.clock.now()
        client = Client(
            client_id=secrets.token_urlsafe(16),
            client_secret=secrets.token_urlsafe(64),
            name=name,
            scopes=scopes,
            grant_types=grant_types,
            region=region,
            issued_at=now,
            expires_at=now + self.options.registration_lifetime,
            redirect_uris=redirect_uris,
            issuer_url=issuer_url,
        )
        self._clients[client.client_id] = client
        return client

    def client(self, client_id: str, client_secret: str, region: str | None) -> Client:
        """The registration with that secret, in that region, still valid; else invalid_client."""
        client = self.known_client(client_id, region)
        if not secrets.compare_digest(client.client_secret.encode(), client_secret.encode()):
            raise GrantError("invalid_client", "Invalid client provided")
        return client

    def known_client(self, client_id: str, region: str | None) -> Client:
        """The same for those who do not show the secret: a browser that is sent to the page."""
        client = self._clients.get(client_id)
        if client is None:
            raise GrantError("invalid_client", "Invalid client provided")
        if client.expires_at <= self.clock.now():
            raise GrantError("invalid_client", "Client registration has expired")
        if client.region is not None and region is not None and client.region != region:
            raise GrantError("invalid_client", "Invalid client provided")
        return client

    def start_device(
        self, client: Client | None, start_url: str | None, region: str | None, *, provider: str | None = None
    ) -> DeviceGrant:
        half = ("".join(secrets.choice(_CODE_LETTERS) for _ in range(4)) for _ in range(2))
        grant = DeviceGrant(
            device_code=secrets.token_urlsafe(32),
            user_code="-".join(half),
            client=client,
            start_url=start_url,
            region=region,
            expires_at=self.clock.now() + self.options.device_code_lifetime,
            interval=self.options.poll_interval,
            provider=provider,
        )
        self._devices[grant.device_code] = grant
        return grant

    def pending(self, user_code: str) -> DeviceGrant | None:
        """The undecided, unexpired login with that code, as a person types it."""
        wanted = user_code.strip().upper().replace("-", "")
        for grant in self._devices.values():
            open_still = grant.decision == "pending" and grant.expires_at > self.clock.now()
            if open_still and grant.user_code.replace("-", "") == wanted:
                return grant
        return None

    def devices(self) -> list[DeviceGrant]:
        return list(self._devices.values())

    def approve(self, grant: DeviceGrant) -> Account:
        """Say yes."""
        account = self.account_for(start_url=grant.start_url, provider=grant.provider, region=grant.region)
        grant.decision, grant.account_id = "approved", account.id
        return account

    def account_for(self, *, start_url: str | None, provider: str | None, region: str | None) -> Account:
        """Whose login is approved: the account that the control plane named, else one with this start URL or of this
        provider, else a new one.
        """
        account = self.accounts.get(self.next_login) if self.next_login else None
        self.next_login = None
        if account is not None:
            return account
        region = region or "us-east-1"
        if provider is not None:
            return self.accounts.by_provider(provider) or self.accounts.create(
                "social", region=region, provider=provider
            )
        start_url = start_url or BUILDER_ID_START_URL
        known = self.accounts.by_start_url(start_url)
        if known is not None:
            return known
        kind: AccountKind = "builder-id" if start_url == BUILDER_ID_START_URL else "identity-center"
        return self.accounts.create(kind, region=region, start_url=start_url)

    def deny(self, grant: DeviceGrant) -> None:
        grant.decision = "denied"

    def poll(self, client: Client | None, device_code: str) -> Tokens:
        """Tokens for an approved device code; else one of the five answers of RFC 8628 3.5."""
        grant = self._devices.get(device_code)
        if grant is None or grant.spent or grant.client is not client:
            raise GrantError("invalid_grant", "Invalid device code provided")
        now = self.clock.now()
        if grant.expires_at <= now:
            raise GrantError("expired_token", "Device code has expired")
        last, grant.last_poll = grant.last_poll, now
        if last is not None and now - last < grant.interval * _POLL_TOLERANCE:
            grant.interval += self.options.slow_down_step
            raise GrantError("slow_down", "Client is polling too frequently")
        grant.polls += 1
        if grant.decision == "pending" and self._approves_itself(grant):
            self.approve(grant)
        if grant.decision == "denied":
            raise GrantError("access_denied", "The end-user denied the authorization request")
        account = self.accounts.get(grant.account_id) if grant.account_id else None
        if account is None:
            raise GrantError("authorization_pending", "Authorization is still pending")
        grant.spent = True
        return self.issue(account, client_id=None if client is None else client.client_id, region=grant.region)

    def issue(
        self, account: Account, *, client_id: str | None, region: str | None, family: str | None = None
    ) -> Tokens:
        """A fresh pair. client_id None is for the social endpoint, which has no registrations."""
        family = family or secrets.token_hex(8)
        refresh_token = "aorAAAAA" + secrets.token_urlsafe(48)
        self._refresh[refresh_token] = _Refresh(account.id, family, client_id, region)
        return Tokens(self._access(account, family), refresh_token, self._lifetime, account)

    def refresh(self, refresh_token: str, *, client_id: str | None, region: str | None) -> Tokens:
        """Spend a refresh token; invalid_grant for an unknown, foreign, misplaced or already spent one."""
        known = self._refresh.get(refresh_token)
        if known is None or known.client_id != client_id:
            raise GrantError("invalid_grant", "Invalid refresh token provided")
        if known.region is not None and region is not None and known.region != region:
            raise GrantError("invalid_grant", "Invalid refresh token provided")
        account = self.accounts.get(known.account_id)
        if known.spent or account is None:
            self.revoke_family(known.family)
            raise GrantError("invalid_grant", "Invalid refresh token provided")
        if not self.options.rotate_refresh_tokens:
            return Tokens(self._access(account, known.family), None, self._lifetime, account)
        known.spent = True
        return self.issue(account, client_id=client_id, region=known.region, family=known.family)

    def revoke_family(self, family: str) -> None:
        """No token of this login works any more."""
        self._refresh = {token: known for token, known in self._refresh.items() if known.family != family}
        self.accounts.revoke_family(family)

    def revoke_logins(self, account: Account) -> None:
        """Sign the account out everywhere."""
        for family in {known.family for known in self._refresh.values() if known.account_id == account.id}:
            self.revoke_family(family)

    @property
    def _lifetime(self) -> int:
        return int(self.options.access_token_lifetime)

    def _access(self, account: Account, family: str) -> str:
        expires_at = self.clock.now() + self.options.access_token_lifetime
        return self.accounts.grant_in_family(account, family=family, expires_at=expires_at)

    def _approves_itself(self, grant: DeviceGrant) -> bool:
        return self.options.auto_approve is not None and grant.polls > self.options.auto_approve
