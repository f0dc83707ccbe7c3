"""Logging in with a browser on this machine: authorisation code with PKCE (RFC 7636, protocol.md 5.4, 5.6)."""

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from cwproxy.auth.device import SCOPES, Prompt, registered
from cwproxy.auth.grants import Grant, Login, Refusal
from cwproxy.auth.loopback import listening
from cwproxy.auth.oidc import BrowserLogin, Oidc
from cwproxy.auth.social import Provider, Social
from cwproxy.errors import LoginFailed

PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What ties the code to this program (`verifier`, whose hash is `challenge`) and to this login (`state`)."""

    verifier: str = field(repr=False)
    challenge: str
    state: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return cls(verifier, challenge, secrets.token_hex(16))


async def log_in(
    oidc: Oidc,
    start_url: str,
    tell: Callable[[Prompt], Awaitable[None]],
    *,
    scopes: tuple[str, ...] = SCOPES,
    within: float = PATIENCE_SECONDS,
) -> Login:
    """Log a person in at `start_url`. The registration is made for this login alone, because it names the port.

    Raises LoginFailed when the person denied or took longer than `within` seconds, or the service refused.
    """
    proof = Proof.fresh()
    async with listening(proof.state) as callback:
        uri = callback.redirect_uri
        registration = await registered(oidc, scopes, browser=BrowserLogin(uri, start_url))
        await tell(_prompt(oidc.page(registration, uri, proof.challenge, proof.state), within))
        code = await callback.code(within=within)
        grant = await oidc.exchange(registration, code, verifier=proof.verifier, redirect_uri=uri)
    return Login(registration, _granted(grant))


async def log_in_social(
    social: Social,
    provider: Provider,
    tell: Callable[[Prompt], Awaitable[None]],
    *,
    within: float = PATIENCE_SECONDS,
) -> Login:
    """The same at Kiro's own login service, which knows no registrations."""
    proof = Proof.fresh()
    async with listening(proof.state) as callback:
        uri = callback.redirect_uri
        page = social.page(provider, redirect_uri=uri, challenge=proof.challenge, state=proof.state)
        await tell(_prompt(page, within))
        code = await callback.code(within=within)
        grant = await social.exchange(code, verifier=proof.verifier, redirect_uri=uri)
    return Login(None, _granted(grant))


def _prompt(url: str, within: float) -> Prompt:
    return Prompt(url=url, user_code=None, url_without_code=url, expires_in=within)


def _granted(answer: Grant | Refusal) -> Grant:
    if isinstance(answer, Refusal):
        raise LoginFailed(
            f"The login service did not take the code of the browser ({answer.detail}). Run `cwproxy login` again."
        )
    return answer
