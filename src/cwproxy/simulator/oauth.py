"""What the login services have in common: reading the members of a request, and writing tokens and refusals.

Every refusal carries both `error` in the body and `x-amzn-ErrorType`, because boto3 maps to its classes by the header
alone (protocol.md 5.7).
"""

import json
from dataclasses import replace
from typing import Any

from cwproxy.simulator.envelope import Reply
from cwproxy.simulator.grants import GrantError, Tokens

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
    "invalid_redirect_uri": "InvalidRedirectUriException",
    "invalid_request_region": "InvalidRequestRegionException",
    "server_error": "InternalServerException",
}
"""protocol.md 5.7."""
_WORDS = {"invalid_request_region": "invalid_request"}
"""The `error` member where it is not the code: the header tells these classes apart."""

_STATUSES = {"invalid_client": 401, "server_error": 500}


def error_reply(code: str, description: str) -> Reply:
    """An OAuth refusal by its code; an unknown code becomes a plain 400."""
    return Reply(
        status=_STATUSES.get(code, 400),
        body=json.dumps({"error": _WORDS.get(code, code), "error_description": description}).encode(),
        headers=[
            ("content-type", "application/json"),
            ("x-amzn-ErrorType", ERROR_CLASSES.get(code, "InvalidRequestException")),
        ],
        note=f"{code}: {description}",
    )


def with_lifetime(reply: Reply, lifetime: object) -> Reply:
    """The same answer with another lifetime of the access token, of whatever type; without one for None."""
    document = json.loads(reply.body)
    for name in ("expiresIn", "expires_in"):
        if name in document:
            del document[name]
            document |= {} if lifetime is None else {name: lifetime}
    return replace(reply, body=json.dumps(document).encode())


def token_members(tokens: Tokens) -> dict[str, object]:
    members: dict[str, object] = {"accessToken": tokens.access_token, "expiresIn": tokens.expires_in}
    if tokens.refresh_token is not None:
        members["refreshToken"] = tokens.refresh_token
    return members


def members_of(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; GrantError for anything else. So are the two below for a member that is missing or
    of another type.
    """
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise GrantError("invalid_request", "Invalid request") from None
    if not isinstance(members, dict):
        raise GrantError("invalid_request", "Invalid request")
    return members


def text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise GrantError("invalid_request", f"Missing or invalid {name}")
    return value


def texts(members: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise GrantError("invalid_request", f"Invalid {name}")
    return tuple(value)
