"""The login of the Kiro IDE: `kiro-auth-token.json`, with the client's registration beside it (protocol.md 5.6)."""

import math
import re
import time
from pathlib import Path

from cwproxy.accounts.sources import document, moments, replacing
from cwproxy.accounts.sources.holding import Holding
from cwproxy.auth.device import BUILDER_ID_REGION, BUILDER_ID_START_URL
from cwproxy.errors import SourceError
from cwproxy.store import AccountKind, Registration, Secret, Token

REREAD_SECONDS = (0.02, 0.05, 0.1, 0.2)
"""Its owner truncates and writes it in place, so that it can be seen half-written."""

_HASH = re.compile(r"[0-9A-Za-z_-]{1,128}")

_METHODS = {
    "social": AccountKind.SOCIAL,
    "builder-id": AccountKind.BUILDER_ID,
    "builderid": AccountKind.BUILDER_ID,
    "external_idp": AccountKind.EXTERNAL_IDP,
}
_PROVIDERS = {
    "google": AccountKind.SOCIAL,
    "github": AccountKind.SOCIAL,
    "builderid": AccountKind.BUILDER_ID,
    "enterprise": AccountKind.IDENTITY_CENTER,
    "internal": AccountKind.IDENTITY_CENTER,
    "externalidp": AccountKind.EXTERNAL_IDP,
}

BUILDER_ID_HASH = "e909a0580879b06ece1202964fbe9dda95ea4ce3"
"""`clientIdHash` of a Builder ID: SHA-1 of `{"startUrl":"https://view.awsapps.com/start"}`."""


class KiroFile:
    """The file at `path`. A `Place`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        return self._path

    def read(self) -> Holding:
        members = self._members()
        kind = kind_of(members)
        # A Builder ID has one region, whatever the file says (protocol.md 5.1).
        region = BUILDER_ID_REGION if kind is AccountKind.BUILDER_ID else document.text(members, "region")
        access_token, refresh_token = document.text(members, "accessToken"), document.text(members, "refreshToken")
        if access_token is None and refresh_token is None:
            raise SourceError(f"{self._path} has neither an accessToken nor a refreshToken.")
        return Holding(
            kind=kind,
            access_token=None if access_token is None else Secret(access_token),
            refresh_token=None if refresh_token is None else Secret(refresh_token),
            expires_at=moments.parse(members.get("expiresAt")),
            region=region,
            start_url=_start_url(kind, members),
            profile_arn=document.text(members, "profileArn"),
            registration=self._registration(kind, members, region),
        )

    def write(self, token: Token, *, held: Secret | None) -> bool:
        data = self._data()
        members = document.parse(data, str(self._path))
        there = document.text(members, "refreshToken")
        if there != (None if held is None else held.reveal()):
            return False
        changes: dict[str, str | int] = {
            "accessToken": token.access_token.reveal(),
            "expiresAt": moments.written(token.expires_at, members.get("expiresAt")),
        }
        if token.refresh_token is not None:
            changes["refreshToken"] = token.refresh_token.reveal()
        replacing.replace(self._path, document.changed(data, changes))
        return True

    def obstacle(self) -> str | None:
        return replacing.obstacle(self._path)

    def _data(self) -> bytes:
        """Raises SourceError when it stays broken for a third of a second."""
        for pause in REREAD_SECONDS:
            data = replacing.content(self._path)
            try:
                document.parse(data, str(self._path))
            except SourceError:
                time.sleep(pause)
            else:
                return data
        return replacing.content(self._path)

    def _members(self) -> dict[str, object]:
        return document.parse(self._data(), str(self._path))

    def _registration(
        self, kind: AccountKind | None, members: dict[str, object], region: str | None
    ) -> Registration | None:
        """Raises SourceError where there is a registration that cannot be read."""
        if kind is AccountKind.SOCIAL:
            return None
        beside = document.text(members, "clientIdHash")
        if beside is not None and kind is not AccountKind.EXTERNAL_IDP:
            members = self._beside(beside, members)
        client_id, secret = document.text(members, "clientId"), document.text(members, "clientSecret")
        if client_id is None or (secret is None and kind is not AccountKind.EXTERNAL_IDP):
            return None
        # In the token's own file `expiresAt` is the token's.
        end = None if "accessToken" in members else moments.parse(members.get("expiresAt"))
        return Registration(
            client_id=client_id,
            client_secret=Secret(secret or ""),
            expires_at=end or math.inf,
            region=document.text(members, "region") or region or "",
            scopes=document.texts(members, "scopes"),
        )

    def _beside(self, name: str, members: dict[str, object]) -> dict[str, object]:
        """The registration's file, else `members`, where some programs put the client as well."""
        # A name made of anything else would lead out of the directory.
        if not _HASH.fullmatch(name):
            raise SourceError(f"{self._path} has a clientIdHash that is none.")
        path = self._path.with_name(f"{name}.json")
        try:
            return document.parse(replacing.content(path), str(path))
        except SourceError:
            if document.text(members, "clientId") is None:
                raise
            return members


def kind_of(members: dict[str, object]) -> AccountKind | None:
    """How the login was made, where the file says so: `authMethod`, and for `IdC` what tells its two kinds apart."""
    method = (document.text(members, "authMethod") or "").lower()
    provider = _PROVIDERS.get((document.text(members, "provider") or "").lower())
    if method in _METHODS:
        return _METHODS[method]
    if method in ("idc", ""):
        if provider is None and document.text(members, "clientIdHash") == BUILDER_ID_HASH:
            return AccountKind.BUILDER_ID
        return provider or (AccountKind.IDENTITY_CENTER if method else None)
    return None


def _start_url(kind: AccountKind | None, members: dict[str, object]) -> str | None:
    if kind is AccountKind.EXTERNAL_IDP:
        return document.text(members, "tokenEndpoint")
    return BUILDER_ID_START_URL if kind is AccountKind.BUILDER_ID else document.text(members, "startUrl")
