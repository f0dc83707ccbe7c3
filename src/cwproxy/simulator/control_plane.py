"""Models, profiles and usage, for all surfaces (protocol.md 1.5)."""

import base64
import calendar
import json
import time
from typing import Any, TypeVar

from cwproxy.simulator import mcp
from cwproxy.simulator.accounts import Account, arn_region
from cwproxy.simulator.admission import check_region
from cwproxy.simulator.envelope import Refused, Reply, ServiceError, json_reply
from cwproxy.simulator.models import DEFAULT_MODEL, offered
from cwproxy.simulator.request import Request
from cwproxy.simulator.routing import Route
from cwproxy.simulator.rules import refuse_profile_listing
from cwproxy.simulator.simulation import Simulation
from cwproxy.simulator.states import NOT_AUTHORIZED

_T = TypeVar("_T")

_ORIGINS = frozenset(
    {
        *("AI_EDITOR", "CHATBOT", "CLI", "CONSOLE", "DOCUMENTATION", "GITLAB", "IDE", "INLINE_CHAT", "KIRO_CLI"),
        *("KIRO_WEB", "MARKETING", "MD", "MD_CE", "MD_IDE", "MOBILE", "OPENSEARCH_DASHBOARD", "Q_DEV_BEXT"),
        *("SAGE_MAKER", "SERVICE_INTERNAL", "SM_AI_STUDIO_IDE", "UNIFIED_SEARCH", "UNKNOWN"),
    }
)
"""protocol.md 2.4, of the newest client."""
_RESOURCE_TYPES = frozenset({"AGENTIC_REQUEST", "CREDIT", "SPEC", "VIBE"})


def answer(simulation: Simulation, request: Request, route: Route, account: Account) -> Reply:
    """One of the five operations. REST asks with a query on GET and a body on POST, awsJson always with a body."""
    if route.operation == "InvokeMCP":
        return json_reply(mcp.answer(request, route, account), route.envelope)
    members: dict[str, Any] = dict(request.query) if request.method == "GET" else _members(request.body)
    match route.operation:
        case "ListAvailableModels":
            document = _models(simulation, request, route, account=account, members=members)
        case "ListAvailableProfiles":
            document = _profiles(simulation, request, account, members=members)
        case "GetUsageLimits":
            document = _usage(simulation, request, account, members=members)
        case _:
            document = _profile(request, account, members)
    return json_reply(document, route.envelope)


def _models(
    simulation: Simulation, request: Request, route: Route, *, account: Account, members: dict[str, Any]
) -> dict[str, Any]:
    _check_enum(members, "origin", _ORIGINS, required=True)
    _check_enum(members, "modelProvider", frozenset({"DEFAULT"}), required=False)
    _check_profile(request, route, account, members)
    kiro = route.surface == "kiro"
    mine = offered(account.models)
    page, following = _page(list(mine), members, most=min(100, simulation.options.page_size), limit=100)
    default = DEFAULT_MODEL if DEFAULT_MODEL in mine else next(iter(mine), DEFAULT_MODEL)
    return {
        "models": [model.document(kiro=kiro) for model in page],
        "defaultModel": default.document(kiro=kiro),
        **following,
    }


def _profiles(simulation: Simulation, request: Request, account: Account, *, members: dict[str, Any]) -> dict[str, Any]:
    refusal = refuse_profile_listing(account.kind)
    if refusal is not None:
        raise Refused(ServiceError(refusal.status, refusal.error, refusal.message, refusal.reason), rule=refusal.rule)
    here = [arn for arn in account.profile_arns if request.region in (None, arn_region(arn))]
    page, following = _page(here, members, most=min(10, simulation.options.page_size), limit=10)
    return {"profiles": [_profile_document(account, arn) for arn in page], **following}


def _profile(request: Request, account: Account, members: dict[str, Any]) -> dict[str, Any]:
    check_region(account, request)
    arn = members.get("profileArn")
    if not isinstance(arn, str):
        raise Refused(_constraint("profileArn", None, "Member must not be null"))
    if arn not in account.profile_arns:
        raise Refused(ServiceError(404, "ResourceNotFoundException", "Profile not found."))
    return {"profile": {**_profile_document(account, arn), "optInFeatures": {"mcpConfiguration": {"toggle": "ON"}}}}


def _profile_document(account: Account, arn: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "arn": arn,
        "profileName": f"profile-{arn.rpartition('/')[2].lower()}",
        "description": "Made by the simulator",
        "status": "ACTIVE",
        "profileType": "Q_DEVELOPER",
    }
    if account.kind == "identity-center":
        instance = {"instanceArn": "arn:aws:sso:::instance/ssoins-0000000000000000", "ssoRegion": account.region}
        document["identityDetails"] = {"ssoIdentityDetails": instance}
    return document


def _usage(simulation: Simulation, request: Request, account: Account, *, members: dict[str, Any]) -> dict[str, Any]:
    _check_enum(members, "origin", _ORIGINS, required=False)
    _check_enum(members, "resourceType", _RESOURCE_TYPES, required=False)
    check_region(account, request)
    arn = members.get("profileArn")
    if arn is not None and arn not in account.profile_arns:
        raise Refused(NOT_AUTHORIZED, rule=54)
    now = simulation.clock.now()
    reset = _next_month(now)
    user: dict[str, Any] = {"userId": f"d-simulated.{account.id}"}
    if members.get("isEmailRequired") in (True, "true"):
        user["email"] = account.email
    return {
        "daysUntilReset": int((reset - now) // 86400),
        "nextDateReset": float(reset),
        **_consumption(account, reset),
        "subscriptionInfo": {
            "type": "Q_DEVELOPER_STANDALONE_PRO",
            "upgradeCapability": "UPGRADE_CAPABLE",
            "overageCapability": "OVERAGE_CAPABLE",
            "subscriptionManagementTarget": "MANAGE",
            "subscriptionTitle": "Simulated Pro",
        },
        "overageConfiguration": {"overageStatus": "DISABLED"},
        "userInfo": user,
    }


def _consumption(account: Account, reset: int) -> dict[str, Any]:
    """The old style and the new one, of a plan with a thousand credits a month."""
    limit = 1000
    used = limit if account.state.startswith(("monthly", "overage")) else min(account.requests, limit)
    old = {
        "type": "AGENTIC_REQUEST",
        "currentUsage": used,
        "totalUsageLimit": limit,
        "percentUsed": 100.0 * used / limit,
    }
    new = {
        "resourceType": "CREDIT",
        "displayName": "Credit",
        "displayNamePlural": "Credits",
        "currentUsage": used,
        "currentUsageWithPrecision": float(used),
        "currentOverages": 0,
        "currentOveragesWithPrecision": 0.0,
        "usageLimit": limit,
        "usageLimitWithPrecision": float(limit),
        "unit": "INVOCATIONS",
        "overageCharges": 0.0,
        "currency": "USD",
        "overageRate": 0.04,
        "nextDateReset": float(reset),
        "overageCap": 10000,
    }
    return {"limits": [old], "usageBreakdownList": [new]}


def _check_profile(request: Request, route: Route, account: Account, members: dict[str, Any]) -> None:
    """Rules 52-54 on the control plane; the chat body's are the validator's."""
    arn = members.get("profileArn")
    if arn is None:
        if route.surface == "kiro" and account.kind != "api-key":
            raise Refused(ServiceError(400, "ValidationException", "profileArn is required for this request."), rule=52)
        if account.kind == "identity-center":
            raise Refused(NOT_AUTHORIZED, rule=52)
        check_region(account, request)
        return
    if request.region is not None and isinstance(arn, str) and arn_region(arn) != request.region:
        reason = "REQUEST_BODY_INVALID" if route.surface == "kiro" else None
        raise Refused(ServiceError(400, "ValidationException", "Improperly formed request.", reason), rule=53)
    if arn not in account.profile_arns:
        raise Refused(NOT_AUTHORIZED, rule=54)


def _check_enum(members: dict[str, Any], name: str, allowed: frozenset[str], *, required: bool) -> None:
    value = members.get(name)
    if value is None and not required:
        return
    if value is None:
        raise Refused(_constraint(name, None, "Member must not be null"))
    if value not in allowed:
        raise Refused(_constraint(name, value, f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]"))


def _page(items: list[_T], members: dict[str, Any], *, most: int, limit: int) -> tuple[list[_T], dict[str, str]]:
    """A page and, unless it is the last one, its `nextToken`."""
    size = most
    asked = members.get("maxResults")
    if asked is not None:
        wanted = int(asked) if str(asked).isdecimal() and not isinstance(asked, bool) else 0
        if not 1 <= wanted <= limit:
            raise Refused(_constraint("maxResults", asked, f"Member must be between 1 and {limit}"))
        size = min(most, wanted)
    start = _offset(members.get("nextToken"), len(items))
    end = start + size
    if end >= len(items):
        return items[start:], {}
    return items[start:end], {"nextToken": base64.b64encode(f"from:{end}".encode()).decode()}


def _offset(token: object, length: int) -> int:
    if token is None:
        return 0
    try:
        word, _, number = base64.b64decode(str(token), validate=True).decode("ascii").partition(":")
    except ValueError:
        word, number = "", ""
    if word != "from" or not number.isdecimal() or not 0 < int(number) < length:
        raise Refused(ServiceError(400, "ValidationException", "Invalid nextToken."))
    return int(number)


def _constraint(name: str, value: object, constraint: str) -> ServiceError:
    shown = "null" if value is None else f"'{value}'"
    message = f"1 validation error detected: Value {shown} at '{name}' failed to satisfy constraint: {constraint}"
    return ServiceError(400, "ValidationException", message)


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise Refused(ServiceError(400, "SerializationException", "The request body is not a JSON object."))
    return members


def _next_month(now: float) -> int:
    moment = time.gmtime(now)
    year, month = (moment.tm_year + 1, 1) if moment.tm_mon == 12 else (moment.tm_year, moment.tm_mon + 1)
    return calendar.timegm((year, month, 1, 0, 0, 0))
