"""Accounts that stand in the configuration file, in the shape that the file has them and in the one that is used.

    [[providers]]
    type = "kiro"
    authentication.tokenFilePath = "~/.aws/sso/cache/kiro-auth-token.json"

    [[providers]]
    type = "codewhisperer"
    region = "eu-central-1"
    accounts = [{ name = "ann", authentication.tokenFilePath = "…" }, { name = "bob", … }]

A provider with `accounts` stands for one provider each, with the provider's own keys where an account has none.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.errors import SettingsError

FILE_KEY = "authentication.tokenFilePath"

REGION = "[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}"
"""What the name of a region of AWS looks like; new ones come every year."""

Count = Annotated[int, Field(ge=1)]


class _Entry(BaseModel):
    """Keys are written in camel case, or as they are here."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Authentication(_Entry):
    """Where the login is: Kiro's token file, or the database of the Q CLI or the Kiro CLI."""

    token_file_path: Path


class LimitsEntry(_Entry):
    """Calls at the same time: in all, and for single models."""

    in_flight: Count | None = None
    models: dict[str, Count] = Field(default_factory=dict)


class AccountEntry(_Entry):
    """One account. Whatever is left out is the provider's, and then what the login itself says."""

    name: str | None = Field(default=None, min_length=1)
    authentication: Authentication | None = None
    kind: Literal["social", "builder-id", "identity-center", "external-idp"] | None = None
    region: str | None = Field(default=None, pattern=f"^{REGION}$")
    profile_arn: str | None = Field(
        default=None, pattern=r"^arn:[a-z-]+:codewhisperer:[a-z0-9-]+:[0-9]{12}:profile/.+$"
    )
    surface: Surface | None = None
    weight: float | None = Field(default=None, gt=0, le=1000)
    limits: LimitsEntry | None = None
    models: tuple[str, ...] | None = Field(default=None, min_length=1)


class Provider(AccountEntry):
    """One table of `[[providers]]`. aliases: further names for models, as the setting `aliases` has them."""

    type: Literal["codewhisperer", "amazon-q", "kiro"]
    aliases: dict[str, str] = Field(default_factory=dict)
    accounts: tuple[AccountEntry, ...] = ()

    @model_validator(mode="after")
    def _has_a_login(self) -> "Provider":
        if self.accounts and self.authentication is not None:
            raise ValueError(f"it has both accounts and {FILE_KEY}; keep one of them")
        if not self.accounts and self.authentication is None:
            raise ValueError(f"{FILE_KEY} or accounts is missing")
        for number, account in enumerate(self.accounts):
            if account.authentication is None:
                raise ValueError(f"accounts.{number}.{FILE_KEY} is missing")
        return self


class Limits(msgspec.Struct, frozen=True):
    """Calls at the same time, in all (None: as for every account) and for single models.

    models: those that the account is to serve, None for all that it lists.
    """

    in_flight: int | None = None
    by_model: Mapping[str, int] = msgspec.field(default_factory=dict)
    models: frozenset[str] | None = None

    def served(self, listed: frozenset[str] | None) -> frozenset[str] | None:
        """Of those that the account lists, where that is known, those that it is to serve."""
        if self.models is None:
            return listed
        return self.models if listed is None else listed & self.models


class Declaration(msgspec.Struct, frozen=True):
    """One account. key: where it stands in the file, for messages."""

    key: str
    path: Path
    wanted: AccountEntry

    @property
    def account_id(self) -> str:
        """The same as long as the file is."""
        return hashlib.sha256(f"declared {self.path}".encode()).hexdigest()[:32]

    @property
    def limits(self) -> Limits:
        entry = self.wanted.limits
        return Limits(
            in_flight=None if entry is None else entry.in_flight,
            by_model={} if entry is None else entry.models,
            models=None if self.wanted.models is None else frozenset(self.wanted.models),
        )


def declarations(providers: Sequence[Provider], directory: Path) -> list[Declaration]:
    """One for each account. directory: what relative paths start from. Raises SettingsError for one that is there
    twice.
    """
    found: dict[Path, Declaration] = {}
    for number, provider in enumerate(providers):
        for key, entry in _entries(f"providers.{number}", provider):
            if entry.authentication is None:
                continue
            path = directory / entry.authentication.token_file_path.expanduser()
            if path in found:
                raise SettingsError(f"{key}.{FILE_KEY}: {path} is declared at {found[path].key} already")
            found[path] = Declaration(key, path, entry)
    return list(found.values())


def aliases(providers: Sequence[Provider], own: Mapping[str, str]) -> dict[str, str]:
    """All of them. Raises SettingsError for a name that stands for two models."""
    merged = dict(own)
    for number, provider in enumerate(providers):
        for name, model in provider.aliases.items():
            if merged.setdefault(name, model) != model:
                raise SettingsError(f"providers.{number}.aliases.{name}: it stands for {merged[name]} elsewhere")
    return merged


def _entries(key: str, provider: Provider) -> list[tuple[str, AccountEntry]]:
    """A provider of several accounts as several providers."""
    if not provider.accounts:
        return [(key, provider)]
    shared = {
        name: getattr(provider, name) for name in AccountEntry.model_fields if name not in ("authentication", "name")
    }
    return [
        (
            f"{key}.accounts.{number}",
            account.model_copy(update={n: v for n, v in shared.items() if getattr(account, n) is None}),
        )
        for number, account in enumerate(provider.accounts)
    ]
