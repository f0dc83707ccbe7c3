"""The simulator as an ASGI application: one port for login, control plane, chat and the control of all of them."""

import asyncio
import uuid
from collections.abc import Sequence
from email.utils import formatdate

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cwproxy.simulator import approval, chat, consent, control, control_plane, external, faults, oauth, oidc, social
from cwproxy.simulator.admission import admit, claimed, is_nowhere
from cwproxy.simulator.delivery import Data, End, Head, Progress, Reset, Step, deliver
from cwproxy.simulator.envelope import Refused, Reply, ServiceError, error_reply
from cwproxy.simulator.faults import Fault
from cwproxy.simulator.journal import Entry
from cwproxy.simulator.request import Request, join_headers, split_region
from cwproxy.simulator.routing import Route, envelope_of, resolve
from cwproxy.simulator.simulation import Simulation

_LOGIN_PATHS = frozenset({*oidc.PATHS, *social.PATHS, external.PATH})
_MOST_BYTES = 32 * 1024 * 1024
"""AWS's own mock draws the line here; the answer is plain text (protocol.md 2.11)."""


def application(simulation: Simulation) -> ASGIApp:
    """Wants the connection's transport in `scope["state"]["transport"]`, as `SimulatorServer` gives it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = _request(scope, await HttpRequest(scope, receive).body())
        except ClientDisconnect:
            return
        transport: asyncio.Transport = scope["state"]["transport"]
        if request.path.startswith(control.PREFIX):
            steps, progress = _steps(control.answer(simulation, request)), Progress()
        else:
            entry = simulation.journal.open(request, now=simulation.clock.now())
            steps, progress = _dispatch(simulation, request, entry), entry.progress
        await deliver(
            steps, send=_dated(send, simulation.clock.now()), receive=receive, transport=transport, progress=progress
        )

    return serve


def _dated(send: Send, now: float) -> Send:
    """AWS says on every answer what time it is; clients measure their own clock by that."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name == b"date" for name, _ in headers):  # a fault may have one of its own
                headers.append((b"date", formatdate(now, usegmt=True).encode()))
            message = {**message, "headers": headers}
        await send(message)

    return dated


def _request(scope: Scope, body: bytes) -> Request:
    peer, port = scope["client"] or ("127.0.0.1", 0)
    region, path = split_region(scope["path"])
    return Request(
        method=scope["method"],
        path=path,
        raw_path=scope["raw_path"].decode("ascii"),
        query_string=scope["query_string"].decode("ascii"),
        headers=join_headers(scope["headers"]),
        body=body,
        region=region,
        peer=peer,
        port=port,
    )


def _dispatch(simulation: Simulation, request: Request, entry: Entry) -> Sequence[Step]:
    if request.path in _LOGIN_PATHS and request.method == "POST":
        return _login(simulation, request, entry)
    if request.path == approval.PATH:
        return _steps(approval.answer(simulation.grants, request))
    if request.path in consent.PATHS:
        return _steps(consent.answer(simulation.codes, request))
    if len(request.body) > _MOST_BYTES:
        return _noted(Reply(413, b"Request entity too large", [("content-type", "text/plain")], "too large"), entry)
    if is_nowhere(request):
        entry.note = "no such host (rule 55)"
        return [Reset()]
    try:
        route = resolve(request)
    except Refused as refused:
        return _noted(error_reply(refused.error, envelope_of(request)), entry)
    return _service(simulation, request, route, entry)


def _login(simulation: Simulation, request: Request, entry: Entry) -> Sequence[Step]:
    entry.operation = request.path
    fault = simulation.take_fault("oidc")
    if fault is None:
        return _noted(_login_answer(simulation, request), entry)
    entry.fault = fault.kind
    if fault.kind == "lost-answer":
        _login_answer(simulation, request)
    if fault.kind == "expires-in":
        return _noted(oauth.with_lifetime(_login_answer(simulation, request), fault.value), entry)
    if fault.kind == "error":
        return _noted(oauth.error_reply(fault.error, fault.message), entry)
    return faults.answer_steps(fault)


def _login_answer(simulation: Simulation, request: Request) -> Reply:
    if request.path in oidc.PATHS:
        return oidc.answer(simulation.codes, request)
    if request.path in social.PATHS:
        return social.answer(simulation.codes, request)
    return external.answer(simulation.grants, request)


def _service(simulation: Simulation, request: Request, route: Route, entry: Entry) -> Sequence[Step]:
    entry.surface, entry.operation = route.surface, route.operation
    model = chat.model_of(request.body) if route.is_chat and simulation.faults else None
    fault = simulation.take_fault("chat" if route.is_chat else "control-plane", claimed(simulation, request), model)
    if fault is not None:
        entry.fault = fault.kind
        if fault.replaces_answer:
            return _replaced(fault, route, entry)
    try:
        account = admit(simulation, request, route)
        entry.account = account.id
        if route.is_chat:
            return chat.answer(simulation, request, route, account, fault)
        return _steps(control_plane.answer(simulation, request, route, account))
    except Refused as refused:
        return _noted(error_reply(refused.error, route.envelope, rule=refused.rule), entry)


def _replaced(fault: Fault, route: Route, entry: Entry) -> Sequence[Step]:
    if fault.kind != "error":
        return faults.answer_steps(fault)
    error = ServiceError(fault.status, fault.error, fault.message, fault.reason)
    reply = error_reply(error, route.envelope)
    return _noted(Reply(reply.status, reply.body, [*reply.headers, *fault.headers.items()], reply.note), entry)


def _noted(reply: Reply, entry: Entry) -> Sequence[Step]:
    entry.note = reply.note
    return _steps(reply)


def _steps(reply: Reply) -> Sequence[Step]:
    """A whole answer, with the request id that AWS puts on everything (protocol.md 4.1)."""
    headers = [
        *reply.headers,
        ("x-amzn-requestid", str(uuid.uuid4())),
        ("content-length", str(len(reply.body))),
    ]
    return [Head(reply.status, headers), Data(reply.body), End()]
