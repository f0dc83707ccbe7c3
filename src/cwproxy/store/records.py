"""What the store keeps, as values. Secrets are wrapped, so that no repr, log line or traceback can show one."""

import enum
from hmac import compare_digest

import msgspec


class Secret:
    """Text that shows itself only when asked: `repr`, `str`, `format` and `vars` never do."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")


class AccountKind(enum.Enum):
    """How the account proves who it is."""

    BUILDER_ID = "builder-id"
    IDENTITY_CENTER = "identity-center"
    SOCIAL = "social"
    EXTERNAL_IDP = "external-idp"
    API_KEY = "api-key"
    IAM = "iam"


class AccountState(enum.Enum):
    """Whether the account may be used. `needs_login` is healed by a newer token, the others by a person."""

    ACTIVE = "active"
    NEEDS_LOGIN = "needs_login"
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"


class SourceKind(enum.Enum):
    """Another program in whose files an account's tokens live."""

    KIRO_IDE = "kiro-ide"
    Q_CLI = "q-cli"
    KIRO_CLI = "kiro-cli"


class Source(msgspec.Struct, frozen=True):
    """Where another program keeps the tokens of an account. path: its file."""

    kind: SourceKind
    path: str


class Account(msgspec.Struct, frozen=True):
    """A login at AWS.

    id: letters, digits, `-` and `_` only; it becomes part of a file name.
    sso_region: where its tokens are made and renewed; for IAM, the region that is called.
    start_url: where its person logs in; for an external identity provider, its token endpoint, where there is one.
    profile_arn: its region is the region of the API; None for Builder ID, API keys and IAM.
    surface: the value of a surface that a person chose instead of the kind's default, or None.
    created_at: epoch seconds.
    source: where its tokens live, when that is not here. weight: its share of the load among its like.
    aws_profile: for IAM, the profile of AWS's own files; None for the default credentials.
    disabled: switched off by a person. declared: it stands in the configuration file, which says what it is.
    """

    id: str
    kind: AccountKind
    label: str
    sso_region: str
    created_at: float
    start_url: str | None = None
    profile_arn: str | None = None
    surface: str | None = None
    state: AccountState = AccountState.ACTIVE
    state_detail: str = ""
    source: Source | None = None
    weight: float = 1.0
    disabled: bool = False
    declared: bool = False
    aws_profile: str | None = None


class Registration(msgspec.Struct, frozen=True):
    """The registration as a client under which the account's tokens were made. expires_at: epoch seconds.

    Of an external identity provider there is only the client's name; its secret is empty.
    """

    client_id: str
    client_secret: Secret
    expires_at: float
    region: str
    scopes: tuple[str, ...]


class Token(msgspec.Struct, frozen=True):
    """What proves the login.

    access_token: for an API key, the key itself, which has no end (`expires_at` is infinite) and is never renewed.
    expires_at: epoch seconds, of the access token.
    generation: grows with every replacement; a writer names the one it has seen.
    extra: JSON text of what some kinds need besides.
    """

    access_token: Secret
    refresh_token: Secret | None
    expires_at: float
    generation: int = 1
    extra: Secret | None = None


class Reservation(msgspec.Struct, frozen=True):
    """A refresh that was announced and whose result has not been stored. started_at: epoch seconds."""

    generation: int
    started_at: float
