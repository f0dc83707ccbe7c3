"""A company's own identity provider, as far as Kiro's users need it: refresh tokens of a public client, by a form, with
snake_case members, at the token endpoint that the account document names (backend-rules.md C 1).
"""

from urllib.parse import parse_qs

from cwproxy.simulator.envelope import Reply, json_reply
from cwproxy.simulator.grants import GrantError, Grants
from cwproxy.simulator.oauth import error_reply
from cwproxy.simulator.request import Request

PATH = "/simulated-tenant/oauth2/v2.0/token"
TOKEN_ENDPOINT = f"https://login.microsoftonline.com{PATH}"
"""What a token file would say; cwproxy takes the path of it to its `--endpoint`."""

_FORM = "application/x-www-form-urlencoded"


def answer(grants: Grants, request: Request) -> Reply:
    """The answer to a POST to `PATH`."""
    try:
        if request.headers.get("content-type", "").partition(";")[0] != _FORM:
            raise GrantError("invalid_request", f"Expected {_FORM}")
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != "refresh_token":
            raise GrantError("unsupported_grant_type", "Unsupported grant type provided")
        if "client_secret" in form:
            raise GrantError("invalid_client", "A public client has no secret")
        missing = {"client_id", "refresh_token"} - form.keys()
        if missing:
            raise GrantError("invalid_request", f"Missing {', '.join(sorted(missing))}")
        tokens = grants.refresh(form["refresh_token"], client_id=form["client_id"], region=None)
    except GrantError as error:
        return error_reply(error.code, error.description)
    members = {"token_type": "Bearer", "access_token": tokens.access_token, "expires_in": tokens.expires_in}
    if tokens.refresh_token is not None:
        members["refresh_token"] = tokens.refresh_token
    return json_reply(members)
