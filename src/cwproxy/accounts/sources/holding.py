"""What a source holds, whatever the notation of the program that owns it."""

import hashlib
from pathlib import Path
from typing import Protocol

import msgspec

from cwproxy.store import AccountKind, Registration, Secret, Token


class Holding(msgspec.Struct, frozen=True):
    """kind: None where the source does not say how the login was made; it is not guessed (backend-rules.md C 1).
    expires_at: epoch seconds of the access token's end, None where it does not say.
    region: of the login, None where it does not say.
    start_url: where the person logs in; of an external identity provider, its token endpoint.
    registration: the client's, where there are such; its end is infinite where the source does not say.
    """

    kind: AccountKind | None
    access_token: Secret | None
    refresh_token: Secret | None
    expires_at: float | None = None
    region: str | None = None
    start_url: str | None = None
    profile_arn: str | None = None
    registration: Registration | None = None

    def stamp(self) -> str:
        """Changes whenever anything that matters to us does. Says nothing of what it is."""
        registration = self.registration
        parts = (
            None if self.kind is None else self.kind.value,
            _revealed(self.access_token),
            _revealed(self.refresh_token),
            self.region,
            self.start_url,
            self.profile_arn,
            None if registration is None else registration.client_id,
            None if registration is None else registration.client_secret.reveal(),
        )
        return fingerprint("\0".join("-" if part is None else f"+{part}" for part in parts))


class Place(Protocol):
    """A file of another program with a login in it. Everything is synchronous and for a thread."""

    @property
    def path(self) -> Path: ...

    def read(self) -> Holding:
        """Raises SourceError, with the reason, where nothing can be read; also where the login is gone."""
        ...

    def write(self, token: Token, *, held: Secret | None) -> bool:
        """Put `token` in the place of the tokens, if the refresh token there is still `held`; False if not.

        Everything else stays as it is, and so does the file when this is cut off. Raises SourceError.
        """
        ...

    def obstacle(self) -> str | None:
        """Why it cannot be written to, as a clause; None if it can."""
        ...


def fingerprint(text: str) -> str:
    """For comparing secrets without keeping them."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
