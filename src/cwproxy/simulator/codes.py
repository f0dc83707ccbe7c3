"""Logins in a browser that end in a code: asked for, decided by a person, exchanged once, with PKCE (RFC 7636).

Knows no HTTP. A code that is shown a second time revokes the tokens that it was exchanged for (RFC 6749 4.1.2).
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from cwproxy.simulator.grants import Client, GrantError, Grants, Tokens

_CODE_SECONDS = 300.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_NO_CODE = "Invalid authorization code provided"


@dataclass(slots=True)
class CodeLogin:
    """One of them. client: None at Kiro's own service, which has no registrations; provider: only there."""

    redirect_uri: str
    challenge: str
    state: str
    client: Client | None
    provider: str | None
    region: str | None
    expires_at: float
    number: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    account_id: str | None = None
    family: str | None = None


@dataclass(slots=True)
class Codes:
    grants: Grants
    _open: dict[str, CodeLogin] = field(default_factory=dict)
    _codes: dict[str, CodeLogin] = field(default_factory=dict)

    def ask(
        self, query: dict[str, str], *, client: Client | None, provider: str | None, region: str | None
    ) -> CodeLogin:
        """A login that waits for a person. GrantError where the query has no proper challenge, state or place to
        return to.
        """
        redirect_uri = query.get("redirect_uri", "")
        if not is_loopback(redirect_uri) or (client is not None and redirect_uri not in client.redirect_uris):
            raise GrantError("invalid_redirect_uri", "Invalid redirect URI provided")
        if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
            raise GrantError("invalid_request", "Invalid code challenge provided")
        if not query.get("state"):
            raise GrantError("invalid_request", "Missing state")
        login = CodeLogin(
            redirect_uri=redirect_uri,
            challenge=query["code_challenge"],
            state=query["state"],
            client=client,
            provider=provider,
            region=region,
            expires_at=self.grants.clock.now() + _CODE_SECONDS,
        )
        self._open[login.number] = login
        return login

    def waiting(self, number: str) -> CodeLogin | None:
        login = self._open.get(number)
        return login if login is not None and login.expires_at > self.grants.clock.now() else None

    def approve(self, login: CodeLogin) -> str:
        """Where the browser goes with the code."""
        start_url = None if login.client is None else login.client.issuer_url
        account = self.grants.account_for(start_url=start_url, provider=login.provider, region=login.region)
        login.account_id = account.id
        self._open.pop(login.number, None)
        code = secrets.token_urlsafe(24)
        self._codes[code] = login
        return _back(login, code=code)

    def deny(self, login: CodeLogin) -> str:
        self._open.pop(login.number, None)
        return _back(login, error="access_denied")

    def exchange(self, code: str, *, client: Client | None, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for a code, once. GrantError for another client, place, verifier or time than the code's."""
        login = self._codes.get(code)
        account = self.grants.accounts.get(login.account_id) if login and login.account_id else None
        if login is None or account is None or login.client is not client:
            raise GrantError("invalid_grant", _NO_CODE)
        if login.family is not None:
            self.grants.revoke_family(login.family)
            raise GrantError("invalid_grant", _NO_CODE)
        late = login.expires_at <= self.grants.clock.now()
        if late or login.redirect_uri != redirect_uri or not _is_proof(verifier, login.challenge):
            del self._codes[code]
            raise GrantError("invalid_grant", _NO_CODE)
        login.family = secrets.token_hex(8)
        client_id = None if client is None else client.client_id
        return self.grants.issue(account, client_id=client_id, region=login.region, family=login.family)


def is_loopback(uri: str) -> bool:
    """Whether it is a place on the person's own machine, with a port (RFC 8252 7.3)."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost") and bool(port) and not parts.fragment


def _is_proof(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return bool(_VERIFIER.fullmatch(verifier)) and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def _back(login: CodeLogin, **answer: str) -> str:
    return f"{login.redirect_uri}?{urlencode({**answer, 'state': login.state})}"
