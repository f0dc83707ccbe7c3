"""Kiro's own login service for people of Google and GitHub (protocol.md 5.6): the browser's code becomes tokens, a
device is given a code and polls, refresh tokens are exchanged and work once.
"""

from typing import Any

from cwproxy.simulator.accounts import PROVIDERS
from cwproxy.simulator.codes import Codes
from cwproxy.simulator.envelope import Reply, json_reply
from cwproxy.simulator.grants import GrantError, Grants, Tokens
from cwproxy.simulator.oauth import error_reply, members_of, text, token_members
from cwproxy.simulator.request import Request

REFRESH, TOKEN = "/refreshToken", "/oauth/token"
DEVICE, POLL = "/oauth/device/authorization", "/oauth/device/poll"
PATHS = frozenset({REFRESH, TOKEN, DEVICE, POLL})

_DEVICE_CLIENT = "kiro-cli"
_STATES = {
    "authorization_pending": "PENDING",
    "slow_down": "SLOW_DOWN",
    "expired_token": "EXPIRED",
    "access_denied": "DENIED",
}
"""Our words: those of the service are not known (protocol.md 5.6 names only the member)."""


def answer(codes: Codes, request: Request) -> Reply:
    """The answer to a POST to one of `PATHS`."""
    grants = codes.grants
    try:
        members = members_of(request.body)
        match request.path:
            case "/refreshToken":
                tokens = grants.refresh(text(members, "refreshToken"), client_id=None, region=request.region)
                return json_reply(_tokens(tokens))
            case "/oauth/token":
                tokens = codes.exchange(
                    text(members, "code"),
                    client=None,
                    verifier=text(members, "code_verifier"),
                    redirect_uri=text(members, "redirect_uri"),
                )
                return json_reply(_tokens(tokens))
            case "/oauth/device/authorization":
                return _start_device(grants, request, members)
            case _:
                return _poll(grants, members)
    except GrantError as error:
        return error_reply(error.code, error.description)


def _start_device(grants: Grants, request: Request, members: dict[str, Any]) -> Reply:
    provider = text(members, "loginProvider")
    if text(members, "clientId") != _DEVICE_CLIENT:
        raise GrantError("invalid_client", "Invalid client provided")
    if provider not in PROVIDERS:
        raise GrantError("invalid_request", "Invalid login provider")
    grant = grants.start_device(None, None, request.region, provider=provider)
    page = f"{request.base_url}/device"
    return json_reply(
        {
            "deviceCode": grant.device_code,
            "userCode": grant.user_code,
            "verificationUri": page,
            "verificationUriComplete": f"{page}?user_code={grant.user_code}",
            "intervalInMilliseconds": int(grant.interval * 1000),
            "expiresInMilliseconds": int(grants.options.device_code_lifetime * 1000),
        }
    )


def _poll(grants: Grants, members: dict[str, Any]) -> Reply:
    if text(members, "clientId") != _DEVICE_CLIENT:
        raise GrantError("invalid_client", "Invalid client provided")
    try:
        tokens = grants.poll(None, text(members, "deviceCode"))
    except GrantError as error:
        state = _STATES.get(error.code)
        if state is None:
            raise
        return json_reply({"status": state})
    return json_reply({"status": "COMPLETE", "identityProvider": tokens.account.provider, **_tokens(tokens)})


def _tokens(tokens: Tokens) -> dict[str, object]:
    return {**token_members(tokens), "profileArn": next(iter(tokens.account.profile_arns), None)}
