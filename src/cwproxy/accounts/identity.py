"""Who wants to log in, and whether that is an account that is known already."""

import re
import shlex
from collections.abc import Collection
from typing import Self, assert_never
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec.structs import replace

from cwproxy.auth.device import BUILDER_ID_REGION, BUILDER_ID_START_URL
from cwproxy.auth.social import Provider
from cwproxy.codewhisperer.surfaces import Surface
from cwproxy.store import Account, AccountKind, Secret


class Request(msgspec.Struct, frozen=True):
    """Who wants to log in.

    start_url, sso_region: of the Identity Center; sso_region for IAM is the region that is called, for an API key None
    tries all that there are, for the others None is us-east-1.
    label: None names the account after its kind; an explicit one keeps two accounts of the same kind and place apart.
    another: never put it in the place of another person's login; without a label, it gets one of its own.
    surface: instead of the kind's default. profile_arn: the one to use, of several.
    browser: log in with a browser on this machine (PKCE) instead of a code for any device.
    provider: for social. api_key: for an API key. aws_profile: for IAM, a profile of AWS's own files instead of the
    default credentials.
    """

    kind: AccountKind
    start_url: str = BUILDER_ID_START_URL
    sso_region: str | None = None
    label: str | None = None
    surface: Surface | None = None
    profile_arn: str | None = None
    browser: bool = False
    provider: Provider = Provider.GOOGLE
    api_key: Secret | None = None
    aws_profile: str | None = None
    another: bool = False

    @property
    def region(self) -> str:
        return self.sso_region or BUILDER_ID_REGION

    @property
    def own_start_url(self) -> str | None:
        """What is stored: only the kinds that AWS logs in have one."""
        if self.kind in (AccountKind.BUILDER_ID, AccountKind.IDENTITY_CENTER):
            return normal_start_url(self.start_url)
        return None

    @property
    def name(self) -> str:
        """The label of a new account: `acme` for https://acme.awsapps.com/start."""
        if self.label is not None:
            return self.label
        match self.kind:
            case AccountKind.IDENTITY_CENTER:
                host = urlsplit(normal_start_url(self.start_url)).hostname or ""
                return host.partition(".")[0] if "." in host else self.start_url
            case AccountKind.SOCIAL:
                return self.provider.value.lower()
            case AccountKind.IAM if self.aws_profile is not None:
                return self.aws_profile
            case _:
                return str(self.kind.value)

    def normal(self) -> Self:
        return replace(self, start_url=normal_start_url(self.start_url))

    def may_be(self, account: Account) -> bool:
        """Whether `account` is of the same kind and place, whatever its label."""
        known_url = None if account.start_url is None else normal_start_url(account.start_url)
        return (
            account.kind is self.kind
            and account.source is None
            and known_url == self.own_start_url
            and (self.kind is AccountKind.API_KEY or account.sso_region == self.region)
            and account.aws_profile == self.aws_profile
        )

    def is_for(self, account: Account) -> bool:
        """Whether `account` is who wants to log in, as far as that shows before they have.

        Social logins and API keys have nothing but their label to tell two of a kind apart, so that counts always.
        """
        named_apart = self.kind in (AccountKind.SOCIAL, AccountKind.API_KEY)
        return self.may_be(account) and (
            account.label == self.name if named_apart else self.label in (None, account.label)
        )

    def free_name(self, labels: Collection[str]) -> str:
        """The label of a new account beside accounts that are called `labels`: a number makes it one of its own,
        unless the person has chosen it.
        """
        if self.label is not None or self.name not in labels:
            return self.name
        number = 2
        while f"{self.name}-{number}" in labels:
            number += 1
        return f"{self.name}-{number}"


def how_to_log_in(account: Account) -> str:
    """The sentence that says how this very account is logged in again."""
    match account.kind:
        case AccountKind.EXTERNAL_IDP:
            return "Log in again in Kiro, then run `cwproxy accounts import`."
        case AccountKind.BUILDER_ID:
            words = [] if account.label == account.kind.value else ["builder-id"]
        case AccountKind.IDENTITY_CENTER:
            words = ["identity-center", "--start-url", account.start_url or "", "--region", account.sso_region]
        case AccountKind.SOCIAL:
            base = re.sub(r"-\d+$", "", account.label)  # what was made unlike another by a number
            known = base in {provider.value.lower() for provider in Provider}
            words = ["social"] + (["--provider", base] if known else [])
        case AccountKind.API_KEY:
            words = ["api-key"]
        case AccountKind.IAM:
            words = ["iam"] + ([] if account.aws_profile is None else ["--aws-profile", account.aws_profile])
            words += [] if account.sso_region == BUILDER_ID_REGION else ["--region", account.sso_region]
        case _:
            assert_never(account.kind)
    names = (account.kind.value, *words)
    if account.kind is AccountKind.IDENTITY_CENTER:
        names = (Request(account.kind, account.start_url or "").name,)
    if account.label not in names:
        words += ["--label", account.label]
    return f"Run `{shlex.join(['cwproxy', 'login', *words])}`."


def normal_start_url(text: str) -> str:
    """The same start URL always in the same spelling: people copy it with a slash, a fragment or without the scheme,
    and it must not become another account.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return text
    path = parts.path
    while (shorter := path.rstrip().rstrip("/")) != path:
        path = shorter
    return urlunsplit((parts.scheme, parts.netloc.strip().lower(), path, "", ""))


def is_builder_id(start_url: str) -> bool:
    return normal_start_url(start_url) == BUILDER_ID_START_URL
