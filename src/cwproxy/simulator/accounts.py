"""Who may call: the accounts that this AWS knows, and the access tokens it has given them.

Identity facts (which kind has a profile ARN, where tokens are good): backend-rules.md A4 52-56, C6.
"""

import secrets
from dataclasses import dataclass, field
from typing import Literal, get_args

from cwproxy.simulator.states import STATES

AccountKind = Literal["builder-id", "identity-center", "social", "external-idp", "api-key", "iam"]
KINDS: tuple[AccountKind, ...] = get_args(AccountKind)

PROVIDERS = ("Google", "Github")
"""Who may know the person of a social account (protocol.md 5.6)."""

EXTERNAL_CLIENT = "11111111-2222-3333-4444-555555555555"
"""The name under which Kiro is registered at the company's identity provider."""

API_REGIONS = ("us-east-1", "eu-central-1")
"""The only regions with chat hosts (backend-rules.md A4 55)."""

_WITH_PROFILES = ("identity-center", "social", "external-idp")

BUILDER_ID_START_URL = "https://view.awsapps.com/start"


@dataclass(slots=True)
class Account:
    """`region` is where the login happened; the profiles may be elsewhere. `models` None means all of them;
    `model_states`: what chat answers for some of them. `provider`: of social accounts.
    """

    id: str
    kind: AccountKind
    region: str
    start_url: str | None
    profile_arns: tuple[str, ...]
    email: str
    provider: str | None = None
    state: str = "healthy"
    models: frozenset[str] | None = None
    model_states: dict[str, str] = field(default_factory=dict)
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    requests: int = 0

    @property
    def api_regions(self) -> frozenset[str]:
        """Where its tokens are good: the regions of its profiles, else the one that serves its login region."""
        if self.profile_arns:
            return frozenset(arn_region(arn) for arn in self.profile_arns)
        if self.kind in ("api-key", "iam"):
            return frozenset(API_REGIONS)
        return frozenset({"eu-central-1" if self.region.startswith("eu-") else "us-east-1"})


@dataclass(frozen=True, slots=True)
class Access:
    """An access token's meaning. `family` is the chain of refreshes it came from, None for one made by hand."""

    account_id: str
    expires_at: float | None
    family: str | None = None


def arn_region(arn: str) -> str:
    """The region field of a profile ARN; empty if there is none."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


def new_profile_arn(region: str) -> str:
    """A fresh one that fits the published pattern (protocol.md 1.5)."""
    return f"arn:aws:codewhisperer:{region}:123456789012:profile/{secrets.token_hex(6).upper()}"


class Accounts:
    """The directory. Tokens are looked up as opaque strings; an unknown one is simply nobody's."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, Access] = {}

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def get(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)

    def create(
        self,
        kind: AccountKind,
        *,
        region: str = "us-east-1",
        start_url: str | None = None,
        profile_arns: tuple[str, ...] | None = None,
        models: frozenset[str] | None = None,
        account_id: str | None = None,
        provider: str | None = None,
    ) -> Account:
        """A new one. Identity Center, social and external accounts get a profile if none is named, the others have
        none.
        """
        account_id = account_id or f"{kind}-{secrets.token_hex(4)}"
        if profile_arns is None:
            home = "eu-central-1" if region.startswith("eu-") else "us-east-1"
            profile_arns = (new_profile_arn(home),) if kind in _WITH_PROFILES else ()
        account = Account(
            id=account_id,
            kind=kind,
            region=region,
            start_url=start_url or (BUILDER_ID_START_URL if kind == "builder-id" else None),
            profile_arns=profile_arns,
            email=f"{account_id}@example.com",
            provider=(provider or PROVIDERS[0]) if kind == "social" else None,
            models=models,
        )
        if kind == "iam":
            account.access_key_id = f"AKIA{secrets.token_hex(8).upper()}"
            account.secret_access_key = secrets.token_urlsafe(30)
        self._accounts[account_id] = account
        return account

    def by_start_url(self, start_url: str) -> Account | None:
        return next((account for account in self._accounts.values() if account.start_url == start_url), None)

    def by_provider(self, provider: str) -> Account | None:
        return next((account for account in self._accounts.values() if account.provider == provider), None)

    def by_access_key(self, access_key_id: str) -> Account | None:
        return next((account for account in self._accounts.values() if account.access_key_id == access_key_id), None)

    def grant(self, account: Account, *, token: str | None = None, expires_at: float | None = None) -> str:
        """A bearer token for the account; `ksk_` for API keys, `aoa` for the rest (protocol.md 5.2, 1.3)."""
        prefix = "ksk_" if account.kind == "api-key" else "aoaAAAAA"
        token = token or prefix + secrets.token_urlsafe(32)
        self._tokens[token] = Access(account.id, expires_at)
        return token

    def grant_in_family(self, account: Account, *, family: str, expires_at: float) -> str:
        """A bearer token that dies with its family of refresh tokens."""
        token = "aoaAAAAA" + secrets.token_urlsafe(32)
        self._tokens[token] = Access(account.id, expires_at, family)
        return token

    def by_token(self, token: str, *, now: float) -> Account | None:
        access = self._tokens.get(token)
        if access is None or (access.expires_at is not None and access.expires_at <= now):
            return None
        return self._accounts.get(access.account_id)

    def expire(self, account: Account) -> None:
        """Take away every access token of the account; its refresh tokens stay good."""
        self._tokens = {token: access for token, access in self._tokens.items() if access.account_id != account.id}

    def revoke_family(self, family: str) -> None:
        self._tokens = {token: access for token, access in self._tokens.items() if access.family != family}

    def set_state(self, account: Account, state: str) -> None:
        """Raises KeyError for a word that is neither `expired` nor in `STATES`."""
        if state == "expired":
            self.expire(account)
            return
        if state not in STATES:
            raise KeyError(state)
        account.state = state
