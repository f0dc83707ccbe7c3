"""Where the calls of an account go, and what proves who it is."""

from collections.abc import Sequence
from typing import assert_never

import httpx
import msgspec

from cwproxy.accounts.keys import StoredKey
from cwproxy.accounts.renewal import login_ended
from cwproxy.accounts.tokens import AccountTokens, Elsewhere, Hurried, TokenKeeper
from cwproxy.auth.bearer import Bearer
from cwproxy.auth.sigv4 import SigV4
from cwproxy.codewhisperer.surfaces import Surface, Target, api_region
from cwproxy.errors import LoginRequired
from cwproxy.store import Account, AccountKind, AccountState, Store


class Routing(msgspec.Struct, frozen=True):
    """What the settings say for all accounts.

    endpoint: a base URL instead of AWS's hosts. surface, profile_arn: instead of the account's own, for those that can
    have it. opt_out: tell the service not to use the content.
    """

    endpoint: str | None = None
    surface: Surface | None = None
    profile_arn: str | None = None
    opt_out: bool = True


class Selected(msgspec.Struct, frozen=True):
    """An account that is ready to make a call."""

    account_id: str
    target: Target
    auth: httpx.Auth
    tokens: AccountTokens | None = None
    """Where its login is one that is renewed."""

    @property
    def awaited(self) -> bool:
        """Whether a call would have to wait until the login is renewed."""
        return self.tokens is not None and self.tokens.awaited

    def hurried(self, elsewhere: Elsewhere) -> httpx.Auth:
        """For a call that need not wait long for a renewal; see `Hurried`."""
        return self.auth if self.tokens is None else Bearer(Hurried(self.tokens, elsewhere))


class Selector:
    """Makes an account of `store` ready for calls. What proves who it is lives as long as this object."""

    def __init__(self, store: Store, keeper: TokenKeeper, routing: Routing) -> None:
        self._store = store
        self._keeper = keeper
        self._routing = routing
        self._proofs: dict[tuple[str, AccountKind, str, str | None], tuple[httpx.Auth, AccountTokens | None]] = {}

    def selected(self, account: Account) -> Selected:
        """Raises LoginRequired and SettingsError for an account that no call can be made with."""
        target = target_of(account, self._routing)
        key = account.id, account.kind, target.region, account.aws_profile
        proof = self._proofs.get(key)
        if proof is None:
            proof = self._proofs[key] = self._proof(account, target)
        auth, tokens = proof
        return Selected(account.id, target, auth, tokens)

    def _proof(self, account: Account, target: Target) -> tuple[httpx.Auth, AccountTokens | None]:
        """With the tokens, where they are renewed."""
        match account.kind:
            case AccountKind.BUILDER_ID | AccountKind.IDENTITY_CENTER | AccountKind.SOCIAL | AccountKind.EXTERNAL_IDP:
                tokens = self._keeper.source(account.id)
                return Bearer(tokens), tokens
            case AccountKind.API_KEY:
                return Bearer(StoredKey(account.id, self._store)), None
            case AccountKind.IAM:
                return SigV4(target.region, profile=account.aws_profile), None
            case _:
                assert_never(account.kind)


def target_of(account: Account, routing: Routing) -> Target:
    """Where the calls of `account` go: its own choices, unless the settings say otherwise, for all accounts that can do
    as they say. What the declaration of one account says is meant more than what is said of all. Raises LoginRequired
    for an account whose surface this version does not know.
    """
    surface = _surface(account, routing.surface)
    profile_arn = _profile(account, surface, routing.profile_arn)
    return Target(
        surface=surface,
        region=account.sso_region if account.kind is AccountKind.IAM else api_region(profile_arn, account.sso_region),
        endpoint=routing.endpoint,
        profile_arn=profile_arn,
        token_type=token_type(account.kind),
        opt_out=routing.opt_out,
    )


def default_surface(kind: AccountKind) -> Surface:
    """Builder ID has no profile, which the kiro surface demands; an API key stands for its profile; IAM needs the
    operation for SigV4 (protocol.md 1.3, backend-rules.md A4 52, A6 78).
    """
    match kind:
        case AccountKind.BUILDER_ID:
            return Surface.Q
        case AccountKind.IDENTITY_CENTER | AccountKind.SOCIAL | AccountKind.EXTERNAL_IDP | AccountKind.API_KEY:
            return Surface.KIRO
        case AccountKind.IAM:
            return Surface.Q_IAM
        case _:
            assert_never(kind)


def token_type(kind: AccountKind) -> str | None:
    """The value of the header `TokenType`; without it the service takes neither kind of token (protocol.md 1.3)."""
    match kind:
        case AccountKind.EXTERNAL_IDP:
            return "EXTERNAL_IDP"
        case AccountKind.API_KEY:
            return "API_KEY"
        case AccountKind.BUILDER_ID | AccountKind.IDENTITY_CENTER | AccountKind.SOCIAL | AccountKind.IAM:
            return None
        case _:
            assert_never(kind)


def _surface(account: Account, wanted: Surface | None) -> Surface:
    fits = wanted is not None and (wanted is Surface.Q_IAM) == (account.kind is AccountKind.IAM)
    if wanted is None or not fits or (account.declared and account.surface is not None):
        return _own_surface(account)
    return wanted


def _profile(account: Account, surface: Surface, wanted: str | None) -> str | None:
    """Builder ID has none, but the kiro surface demands one of it, too."""
    match account.kind:
        case AccountKind.API_KEY | AccountKind.IAM:
            return account.profile_arn
        case AccountKind.BUILDER_ID:
            return (wanted if surface is Surface.KIRO else None) or account.profile_arn
        case AccountKind.IDENTITY_CENTER | AccountKind.SOCIAL | AccountKind.EXTERNAL_IDP:
            choices = (account.profile_arn, wanted) if account.declared else (wanted, account.profile_arn)
            return choices[0] or choices[1]
        case _:
            assert_never(account.kind)


def _own_surface(account: Account) -> Surface:
    if account.surface is None:
        return default_surface(account.kind)
    try:
        return Surface(account.surface)
    except ValueError as error:
        raise LoginRequired(
            f"Account {account.label!r} uses a surface that this cwproxy does not know: {account.surface!r}. "
            "Run `cwproxy login` again."
        ) from error


def why_none(accounts: Sequence[Account]) -> str:
    """The sentence for a person without a usable account."""
    if not accounts:
        return "No account is logged in. Run `cwproxy login`."
    account = accounts[0]
    match account.state:
        case AccountState.ACTIVE | AccountState.NEEDS_LOGIN:
            return login_ended(account)
        case AccountState.SUSPENDED:
            return f"Account {account.label!r} is suspended by AWS: {account.state_detail}"
        case AccountState.MISCONFIGURED:
            return f"Account {account.label!r} cannot be used as it is set up: {account.state_detail}"
        case _:
            assert_never(account.state)
