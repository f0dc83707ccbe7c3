"""AWS SSO OIDC: register, device authorisation, token (protocol.md 5.1-5.3, 5.7), and Kiro's social refresh (5.6).

Strict about required members, scopes, start URLs and regions. Every refusal carries both `error` in the body and
`x-amzn-ErrorType`, because boto3 maps to its classes by the header alone.
"""

import json
import math
from typing import Any

from cwproxy.simulator.accounts import BUILDER_ID_START_URL
from cwproxy.simulator.envelope import Reply, json_reply
from cwproxy.simulator.grants import Client, GrantError, Grants, Tokens
from cwproxy.simulator.request import Request

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_GRANT_TYPES = frozenset({DEVICE_CODE_GRANT, "refresh_token", "authorization_code"})
_SCOPES = frozenset(
    {f"codewhisperer:{name}" for name in ("completions", "analysis", "conversations", "transformations", "taskassist")}
    | {"sso:account:access"}
)
ERROR_CLASSES = {
    "authorization_pending": "AuthorizationPendingException",
    "slow_down": "SlowDownException",
    "expired_token": "ExpiredTokenException",
    "invalid_grant": "InvalidGrantException",
    "unauthorized_client": "UnauthorizedClientException",
    "unsupported_grant_type": "UnsupportedGrantTypeException",
    "invalid_scope": "InvalidScopeException",
    "invalid_request": "InvalidRequestException",
    "access_denied": "AccessDeniedException",
    "invalid_client": "InvalidClientException",
    "invalid_client_metadata": "InvalidClientMetadataException",
    "server_error": "InternalServerException",
}
"""protocol.md 5.7."""
_STATUSES = {"invalid_client": 401, "server_error": 500}

PATHS = frozenset({"/client/register", "/device_authorization", "/token", "/refreshToken"})


def answer(grants: Grants, request: Request) -> Reply:
    """The answer to a POST to one of `PATHS`."""
    try:
        members = _members(request.body)
        match request.path:
            case "/client/register":
                return _register(grants, request, members)
            case "/device_authorization":
                return _start_device(grants, request, members)
            case "/token":
                return _token(grants, request, members)
            case _:
                return _social_refresh(grants, members)
    except GrantError as error:
        return error_reply(error.code, error.description)


def error_reply(code: str, description: str) -> Reply:
    """An OAuth refusal by its code; an unknown code becomes a plain 400."""
    return Reply(
        status=_STATUSES.get(code, 400),
        body=json.dumps({"error": code, "error_description": description}).encode(),
        headers=[
            ("content-type", "application/json"),
            ("x-amzn-ErrorType", ERROR_CLASSES.get(code, "InvalidRequestException")),
        ],
        note=f"{code}: {description}",
    )


def _register(grants: Grants, request: Request, members: dict[str, Any]) -> Reply:
    name = _text(members, "clientName")
    if _text(members, "clientType") != "public":
        raise GrantError("invalid_client_metadata", "Client type must be public")
    scopes = _texts(members, "scopes") or ()
    if not set(scopes) <= _SCOPES:
        raise GrantError("invalid_scope", "Invalid scope provided")
    grant_types = _texts(members, "grantTypes")
    if grant_types is not None and not set(grant_types) <= _GRANT_TYPES:
        raise GrantError("unsupported_grant_type", "Unsupported grant type provided")
    client = grants.register(name, scopes, grant_types, request.region)
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
    start_url = _text(members, "startUrl")
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


def _token(grants: Grants, request: Request, members: dict[str, Any]) -> Reply:
    grant_type = _text(members, "grantType")
    client = _client(grants, request, members)
    if grant_type not in _GRANT_TYPES or grant_type == "authorization_code":
        raise GrantError("unsupported_grant_type", "Unsupported grant type provided")
    _check_grant_type(client, grant_type)
    wanted = _texts(members, "scope")
    if wanted is not None and not set(wanted) <= set(client.scopes):
        raise GrantError("invalid_scope", "Invalid scope provided")
    if grant_type == DEVICE_CODE_GRANT:
        tokens = grants.poll(client, _text(members, "deviceCode"))
    else:
        tokens = grants.refresh(_text(members, "refreshToken"), client_id=client.client_id, region=request.region)
    return json_reply({**_token_members(tokens), "tokenType": "Bearer"})


def _social_refresh(grants: Grants, members: dict[str, Any]) -> Reply:
    tokens = grants.refresh(_text(members, "refreshToken"), client_id=None, region=None)
    return json_reply({**_token_members(tokens), "profileArn": next(iter(tokens.account.profile_arns), None)})


def _token_members(tokens: Tokens) -> dict[str, object]:
    members: dict[str, object] = {"accessToken": tokens.access_token, "expiresIn": tokens.expires_in}
    if tokens.refresh_token is not None:
        members["refreshToken"] = tokens.refresh_token
    return members


def _client(grants: Grants, request: Request, members: dict[str, Any]) -> Client:
    return grants.client(_text(members, "clientId"), _text(members, "clientSecret"), request.region)


def _check_grant_type(client: Client, grant_type: str) -> None:
    if client.grant_types is not None and grant_type not in client.grant_types:
        raise GrantError("unauthorized_client", "Client is not registered for this grant type")


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise GrantError("invalid_request", "Invalid request") from None
    if not isinstance(members, dict):
        raise GrantError("invalid_request", "Invalid request")
    return members


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise GrantError("invalid_request", f"Missing or invalid {name}")
    return value


def _texts(members: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise GrantError("invalid_request", f"Invalid {name}")
    return tuple(value)
