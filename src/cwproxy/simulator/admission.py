"""Who is calling, and may that account call here: the checks that come before any look at the request itself.

Rules: protocol.md 2.11 (bearer), backend-rules.md A4 54-55, A6 75-78.
"""

from cwproxy.simulator.accounts import API_REGIONS, Account
from cwproxy.simulator.envelope import Refused, ServiceError
from cwproxy.simulator.request import Request
from cwproxy.simulator.routing import Route
from cwproxy.simulator.sigv4 import Credentials, verify
from cwproxy.simulator.simulation import Simulation
from cwproxy.simulator.states import INVALID_BEARER, said

_TOKEN_TYPES = {"api-key": ("API_KEY",), "external-idp": ("EXTERNAL_IDP",)}
_PLAIN_TYPES = ("", "SSO_OIDC")
"""What the header `TokenType` says of a bearer token; the older clients send none for the rest (protocol.md 1.3)."""

_MISSING_BEARER = "Missing bearer token in the authorization header."


def is_nowhere(request: Request) -> bool:
    """Whether the address names a region that has no such host; a real client could not even connect (A4 55)."""
    return request.region is not None and request.region not in API_REGIONS


def admit(simulation: Simulation, request: Request, route: Route) -> Account:
    """The account behind a request whose credential is good and that is in no trouble; Refused for every other."""
    account = _signed_account(simulation, request) if route.surface == "q-iam" else _bearer(simulation, request, route)
    state = said(account.state, route.profile_of(simulation.options))
    if state.error is not None and (route.is_chat or state.everywhere):
        raise Refused(state.error)
    return account


def claimed(simulation: Simulation, request: Request) -> str | None:
    """The id of the account that the request says it is of; whether that is so has not been looked at."""
    scheme, _, proof = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        account = simulation.accounts.by_token(proof, now=simulation.clock.now())
    else:
        key = proof.partition("Credential=")[2].partition("/")[0]
        account = simulation.accounts.by_access_key(key)
    return account.id if account is not None else None


def check_region(account: Account, request: Request) -> None:
    """A token is good only where its account has its profiles (A4 54)."""
    if request.region is not None and request.region not in account.api_regions:
        raise Refused(INVALID_BEARER, rule=54)


def _bearer(simulation: Simulation, request: Request, route: Route) -> Account:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        if route.surface == "kiro":
            raise Refused(ServiceError(403, "AccessDeniedException", _MISSING_BEARER))
        raise Refused(ServiceError(400, "ValidationException", _MISSING_BEARER))
    account = simulation.accounts.by_token(token, now=simulation.clock.now())
    if account is None:
        raise Refused(INVALID_BEARER)
    if request.headers.get("tokentype", "").upper() not in _TOKEN_TYPES.get(account.kind, _PLAIN_TYPES):
        raise Refused(INVALID_BEARER, rule=78)
    if account.kind == "api-key" and route.surface == "codewhisperer":
        raise Refused(INVALID_BEARER, rule=78)  # it works with the wire shape of the command line only
    return account


def _signed_account(simulation: Simulation, request: Request) -> Account:
    found: list[Account] = []

    def credentials(access_key_id: str) -> Credentials | None:
        account = simulation.accounts.by_access_key(access_key_id)
        if account is None or account.secret_access_key is None:
            return None
        found.append(account)
        return Credentials(account.secret_access_key, account.session_token)

    verify(request, service="q", now=simulation.clock.now(), credentials=credentials)
    return found[0]
