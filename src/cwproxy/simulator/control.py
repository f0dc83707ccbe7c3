"""`/__control/`: how a test, a demo or a person steers the simulator. JSON in and out, for loopback peers only.

POST /accounts, /accounts/ID, /turns, /faults, /calm, /options, /clock, /next-login, /approve, /listening, /black-hole,
/reset;
GET /accounts, /requests, /devices, /status. A request that makes no sense is a 400 `{"error": sentence}`.
"""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from cwproxy.simulator.accounts import EXTERNAL_CLIENT, KINDS, PROVIDERS, Account, AccountKind
from cwproxy.simulator.envelope import Reply, json_reply
from cwproxy.simulator.external import TOKEN_ENDPOINT
from cwproxy.simulator.faults import parse_fault
from cwproxy.simulator.grants import DeviceGrant
from cwproxy.simulator.models import MODELS
from cwproxy.simulator.request import Request
from cwproxy.simulator.script import BadScript, parse_turn
from cwproxy.simulator.simulation import Simulation
from cwproxy.simulator.states import STATES

PREFIX = "/__control/"

_Call = Callable[[Simulation, dict[str, Any]], object]


def answer(simulation: Simulation, request: Request) -> Reply:
    """403 for a peer elsewhere; otherwise the answer of the named call."""
    if not ipaddress.ip_address(request.peer).is_loopback:
        return _problem(403, "the control plane answers loopback peers only")
    name = request.path.removeprefix(PREFIX)
    try:
        if request.method == "GET":
            return json_reply(_get(simulation, name, request.query))
        members = json.loads(request.body or b"{}")
        if not isinstance(members, dict):
            raise BadScript("the body is a JSON object")
        if name.startswith("accounts/"):
            return json_reply(_change_account(simulation, name.removeprefix("accounts/"), members))
        call = _POSTS.get(name)
        if call is None:
            return _problem(404, f"there is no control call {name!r}")
        return json_reply(call(simulation, members))
    except (ValueError, TypeError) as error:
        return _problem(400, str(error))


def _problem(status: int, sentence: str) -> Reply:
    body = json.dumps({"error": sentence}).encode()
    return Reply(status, body, [("content-type", "application/json")])


def _get(simulation: Simulation, name: str, query: dict[str, str]) -> object:
    match name:
        case "requests":
            secrets = query.get("secrets") == "true"
            return {"requests": [entry.document(secrets=secrets) for entry in simulation.journal.entries()]}
        case "accounts":
            return {"accounts": [_account_document(account) for account in simulation.accounts.all()]}
        case "devices":
            return {"devices": [_device_document(grant) for grant in simulation.grants.devices()]}
        case "status":
            return {
                "connections": simulation.connections(),
                "running": simulation.journal.running(),
                "turns": len(simulation.turns),
                "faults": sum(fault.count for fault in simulation.faults),
                "now": simulation.clock.now(),
            }
        case _:
            raise BadScript(f"there is no control call {name!r}")


def _create_account(simulation: Simulation, members: dict[str, Any]) -> object:
    """kind, and optionally id, region, startUrl, profileArns, models, provider, state, token, sessionToken,
    expiresIn.
    """
    kind = members.get("kind")
    if kind not in KINDS:
        raise BadScript(f"an account's kind is one of {', '.join(KINDS)}")
    chosen: AccountKind = kind
    account = simulation.accounts.create(
        chosen,
        region=members.get("region", "us-east-1"),
        start_url=members.get("startUrl"),
        profile_arns=tuple(members["profileArns"]) if "profileArns" in members else None,
        models=_models(members.get("models")),
        account_id=members.get("id"),
        provider=_provider(members.get("provider")),
    )
    account.session_token = members.get("sessionToken")
    _set_state(simulation, account, members.get("state", "healthy"))
    document = _account_document(account)
    if kind != "iam":
        lifetime = members.get("expiresIn")
        expires_at = None if lifetime is None else simulation.clock.now() + float(lifetime)
        document["token"] = simulation.accounts.grant(account, token=members.get("token"), expires_at=expires_at)
    if kind in ("social", "external-idp"):
        client_id = EXTERNAL_CLIENT if kind == "external-idp" else None
        document["refreshToken"] = simulation.grants.issue(account, client_id=client_id, region=None).refresh_token
    return document


def _change_account(simulation: Simulation, account_id: str, members: dict[str, Any]) -> object:
    """state, models, modelStates, profileArns, revokeLogins."""
    account = simulation.accounts.get(account_id)
    if account is None:
        raise BadScript(f"there is no account {account_id!r}")
    if "models" in members:
        account.models = _models(members["models"])
    if "modelStates" in members:
        account.model_states = _model_states(members["modelStates"])
    if "profileArns" in members:
        account.profile_arns = tuple(members["profileArns"])
    if "state" in members:
        _set_state(simulation, account, members["state"])
    if members.get("revokeLogins"):
        simulation.grants.revoke_logins(account)
    return _account_document(account)


def _models(names: object) -> frozenset[str] | None:
    if names is None:
        return None
    known = {model.id for model in MODELS}
    if not isinstance(names, list) or not set(names) <= known:
        raise BadScript(f"models is a list of {', '.join(sorted(known))}")
    return frozenset(names)


def _model_states(states: object) -> dict[str, str]:
    """Those that chat alone answers; being denied or suspended is the account's."""
    possible = sorted(name for name, state in STATES.items() if not state.everywhere)
    if not isinstance(states, dict) or any(state not in possible for state in states.values()):
        raise BadScript(f"modelStates are, by model, each one of {', '.join(possible)}")
    _models(list(states))
    return dict(states)


def _provider(name: object) -> str | None:
    if name is not None and name not in PROVIDERS:
        raise BadScript(f"a provider is one of {', '.join(PROVIDERS)}")
    return None if name is None else str(name)


def _set_state(simulation: Simulation, account: Account, state: object) -> None:
    if state != "expired" and state not in STATES:
        raise BadScript(f"a state is one of expired, {', '.join(sorted(STATES))}")
    simulation.accounts.set_state(account, str(state))


def _add_turns(simulation: Simulation, members: dict[str, Any]) -> object:
    turns = members.get("turns")
    if not isinstance(turns, list):
        raise BadScript("turns is a list of turns")
    simulation.turns.extend([parse_turn(turn) for turn in turns])
    return {"turns": len(simulation.turns)}


def _add_fault(simulation: Simulation, members: dict[str, Any]) -> object:
    simulation.faults.append(parse_fault(members))
    return {"faults": len(simulation.faults)}


def _calm(simulation: Simulation, _members: dict[str, Any]) -> object:
    """No fault strikes any more."""
    simulation.faults.clear()
    return {}


def _set_options(simulation: Simulation, members: dict[str, Any]) -> object:
    """Any of SimulatorOptions' fields by name; answers with all of them."""
    simulation.options.change(members)
    return simulation.options.document()


def _advance(simulation: Simulation, members: dict[str, Any]) -> object:
    simulation.clock.advance(float(members.get("seconds", 0)))
    return {"now": simulation.clock.now()}


def _next_login(simulation: Simulation, members: dict[str, Any]) -> object:
    if simulation.accounts.get(str(members.get("account"))) is None:
        raise BadScript("account is the id of an account")
    simulation.grants.next_login = members["account"]
    return {}


def _approve(simulation: Simulation, members: dict[str, Any]) -> object:
    """userCode, and decision `approve` or `deny`: what a person does on the page."""
    grant = simulation.grants.pending(str(members.get("userCode", "")))
    if grant is None:
        raise BadScript("userCode is the code of a pending login")
    if members.get("decision", "approve") == "deny":
        simulation.grants.deny(grant)
        return {}
    return _account_document(simulation.grants.approve(grant))


def _listening(simulation: Simulation, members: dict[str, Any]) -> object:
    """seconds: refuse new connections for that long."""
    if simulation.mute is None:
        raise BadScript("this simulator has no listening socket of its own")
    simulation.mute(float(members.get("seconds", 1)))
    return {}


def _black_hole(simulation: Simulation, members: dict[str, Any]) -> object:
    """seconds: accept new connections for that long and never read from them; they are reset in the end."""
    if simulation.swallow is None:
        raise BadScript("this simulator has no listening socket of its own")
    simulation.swallow(float(members.get("seconds", 1)))
    return {}


def _reset(simulation: Simulation, _members: dict[str, Any]) -> object:
    simulation.forget()
    return {}


_POSTS: dict[str, _Call] = {
    "accounts": _create_account,
    "turns": _add_turns,
    "faults": _add_fault,
    "calm": _calm,
    "options": _set_options,
    "clock": _advance,
    "next-login": _next_login,
    "approve": _approve,
    "listening": _listening,
    "black-hole": _black_hole,
    "reset": _reset,
}


def _account_document(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "kind": account.kind,
        "region": account.region,
        "startUrl": account.start_url,
        "profileArns": list(account.profile_arns),
        "email": account.email,
        "provider": account.provider,
        **_external(account),
        "state": account.state,
        "modelStates": account.model_states,
        "requests": account.requests,
        "accessKeyId": account.access_key_id,
        "secretAccessKey": account.secret_access_key,
        "sessionToken": account.session_token,
    }


def _external(account: Account) -> dict[str, Any]:
    """What a token file says of a company's identity provider."""
    if account.kind != "external-idp":
        return {}
    return {"tokenEndpoint": TOKEN_ENDPOINT, "clientId": EXTERNAL_CLIENT}


def _device_document(grant: DeviceGrant) -> dict[str, Any]:
    return {
        "userCode": grant.user_code,
        "startUrl": grant.start_url,
        "client": grant.client.name if grant.client else None,
        "provider": grant.provider,
        "decision": grant.decision,
        "polls": grant.polls,
        "interval": grant.interval,
    }
