"""Renewal of tokens that a company's own identity provider has made (Entra, Okta): OAuth 2.0 for a public client,
a form to the token endpoint that the token file names, and no secret (backend-rules.md C 1).
"""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from cwproxy.auth.grants import Grant, Reason, Refusal, grant_of
from cwproxy.auth.web import Web


class ExternalIdp:
    """endpoint: a base URL that all calls go to instead, with the path of the token endpoint."""

    def __init__(self, web: Web, *, endpoint: str | None = None) -> None:
        self._web = web
        self._endpoint = endpoint

    async def refresh(
        self, token_endpoint: str, client_id: str, refresh_token: str, scopes: Sequence[str] = ()
    ) -> Grant | Refusal:
        """Spend `refresh_token`, once. It is only sent by https and to a host with a name: the address comes from a
        file, and must not lead into this network.
        """
        if not _is_public(token_endpoint):
            return Refusal(Reason.INVALID_REQUEST, "the token endpoint is no https URL of a host with a name")
        members = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token}
        if scopes:
            members["scope"] = " ".join(scopes)
        url = token_endpoint if self._endpoint is None else self._endpoint + urlsplit(token_endpoint).path
        answer = await self._web.post_form(url, members, refresh_token)
        if isinstance(answer, Refusal):
            return answer
        return grant_of(answer, "access_token", "refresh_token", "expires_in")


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme != "https" or parts.username is not None or "." not in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not host.rpartition(".")[2].isdigit()
    return False
