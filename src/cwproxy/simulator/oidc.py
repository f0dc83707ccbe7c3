"""AWS SSO OIDC: register, device authorisation, token (protocol.md 5.1-5.4, 5.7).

Strict about required members, scopes, start URLs, regions, grant types and places to return to.
"""

import math
from typing import Any

from cwproxy.simulator.accounts import BUILDER_ID_START_URL
from cwproxy.simulator.codes import Codes, is_loopback
from cwproxy.simulator.envelope import Reply, json_reply
from cwproxy.simulator.grants import Client, GrantError, Grants
from cwproxy.simulator.oauth import error_reply, members_of, text, texts, token_members
from cwproxy.simulator.request import Request

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_GRANT_TYPES = frozenset({DEVICE_CODE_GRANT, "refresh_token", "authorization_code"})
_SCOPES = frozenset(
    {f"codewhisperer:{name}" for name in ("completions", "analysis", "conversations", "transformations", "taskassist")}
    | {"sso:account:access"}
)
PATHS = frozenset({"/client/register", "/device_authorization", "/token"})


def answer(codes: Codes, request: Request) -> Reply:
    """The answer to a POST to one of `PATHS`."""
    try:
        members = members_of(request.body)
        match request.path:
            case "/client/register":
                return _register(codes.grants, request, members)
            case "/device_authorization":
                return _start_device(codes.grants, request, members)
            case _:
                return _token(codes, request, members)
    except GrantError as error:
        return error_reply(error.code, error.description)


def _register(grants: Grants, request: Request, members: dict[str, Any]) -> Reply:
    name = text(members, "clientName")
    if text(members, "clientType") != "public":
        raise GrantError("invalid_client_metadata", "Client type must be public")
    scopes = texts(members, "scopes") or ()
    if not set(scopes) <= _SCOPES:
        raise GrantError("invalid_scope", "Invalid scope provided")
    grant_types = texts(members, "grantTypes")
    if grant_types is not None and not set(grant_types) <= _GRANT_TYPES:
        raise GrantError("unsupported_grant_type", "Unsupported grant type provided")
    redirect_uris = texts(members, "redirectUris") or ()
    if not all(is_loopback(uri) for uri in redirect_uris):
        raise GrantError("invalid_redirect_uri", "Invalid redirect URI provided")
    issuer_url = text(members, "issuerUrl") if redirect_uris else None
    client = grants.register(
        name, scopes, grant_types, request.region, redirect_uris=redirect_uris, issuer_url=issuer_url
    )
    return json_reply(
        {
            "clientId": client.client_id,
            "clientSecret": client.client_secret,
            "clientIdIssuedAt": int(client.issued_at),
            "clientSecretExpiresAt": int(client.expires_at),
        }
    )


def _start_device(grants: Grants, request: Request, members: dict[str, Any]) -> Reply:
    client = _client(grants, request, members)
    _check_grant_type(client, DEVICE_CODE_GRANT)
    start_url = text(members, "startUrl")
    if not start_url.startswith("https://"):
        raise GrantError("invalid_request", "Invalid start URL provided")
    if start_url == BUILDER_ID_START_URL and request.region not in (None, "us-east-1"):
        raise GrantError("invalid_request", "Invalid start URL provided")
    grant = grants.start_device(client, start_url, request.region)
    page = f"{request.base_url}/device"
    return json_reply(
        {
            "deviceCode": grant.device_code,
            "userCode": grant.user_code,
            "verificationUri": page,
            "verificationUriComplete": f"{page}?user_code={grant.user_code}",
            "expiresIn": int(grants.options.device_code_lifetime),
            "interval": math.ceil(grant.interval),
        }
    )


def _token(codes: Codes, request: Request, members: dict[str, Any]) -> Reply:
    grants = codes.grants
    grant_type = text(members, "grantType")
    client = _client(grants, request, members)
    if grant_type not in _GRANT_TYPES:
        raise GrantError("unsupported_grant_type", "Unsupported grant type provided")
    _check_grant_type(client, grant_type, named=grant_type == "authorization_code")
    wanted = texts(members, "scope")
    if wanted is not None and not set(wanted) <= set(client.scopes):
        raise GrantError("invalid_scope", "Invalid scope provided")
    if grant_type == DEVICE_CODE_GRANT:
        tokens = grants.poll(client, text(members, "deviceCode"))
    elif grant_type == "authorization_code":
        tokens = codes.exchange(
            text(members, "code"),
            client=client,
            verifier=text(members, "codeVerifier"),
            redirect_uri=text(members, "redirectUri"),
        )
    else:
        tokens = grants.refresh(text(members, "refreshToken"), client_id=client.client_id, region=request.region)
    return json_reply({**token_members(tokens), "tokenType": "Bearer"})


def _client(grants: Grants, request: Request, members: dict[str, Any]) -> Client:
    return grants.client(text(members, "clientId"), text(members, "clientSecret"), request.region)


def _check_grant_type(client: Client, grant_type: str, *, named: bool = False) -> None:
    """named: the registration has to name it, because it needs a place to return to."""
    allowed = (grant_type,) if client.grant_types is None and not named else client.grant_types or ()
    if grant_type not in allowed:
        raise GrantError("unauthorized_client", "Client is not registered for this grant type")
