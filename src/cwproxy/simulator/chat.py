"""GenerateAssistantResponse and SendMessage: from an admitted account to the steps of a stream.

Order of checks: the account's region, the body's rules, then what the model says (backend-rules.md A).
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from cwproxy.simulator import model
from cwproxy.simulator.accounts import Account
from cwproxy.simulator.admission import check_region
from cwproxy.simulator.delivery import Data, End, Head, Pause, Step
from cwproxy.simulator.envelope import Refused, ServiceError
from cwproxy.simulator.faults import EVENT_KINDS, Fault, change_events, paced, stream_steps
from cwproxy.simulator.frames import event_frame, exception_frame
from cwproxy.simulator.model import ModelTurn
from cwproxy.simulator.models import DEFAULT_MODEL, listed, offered, window_of
from cwproxy.simulator.options import TrailerStyle
from cwproxy.simulator.request import Request
from cwproxy.simulator.routing import Route
from cwproxy.simulator.rules import Refusal, RuleContext, validate
from cwproxy.simulator.simulation import Simulation
from cwproxy.simulator.states import said

_BROKE_OFF = "Encountered unexpectedly high load when processing the request, please try again."


@dataclass(frozen=True, slots=True)
class _Plan:
    """What will be said and how fast. `stop` overrides the trailer's stopReason."""

    said: ModelTurn
    stop: str | None
    trailer: TrailerStyle
    pace: float
    latency: float


def answer(simulation: Simulation, request: Request, route: Route, account: Account, fault: Fault | None) -> list[Step]:
    """The steps of the stream. Raises Refused for what AWS would have refused with a status."""
    body = _lenient(request.body)
    if body.get("profileArn") is None:
        check_region(account, request)
    asked = _model_id(body)
    window = window_of(asked)
    state = said(account.model_states.get(_named(asked), "healthy"), route.profile_of(simulation.options))
    if state.error is not None:
        raise Refused(state.error)
    judged = validate(request.body, _context(simulation, request, route, account=account, asked=asked))
    if isinstance(judged, Refusal):
        raise _refused(judged)
    account.requests += 1
    state = judged["conversationState"]
    plan = _plan(simulation, state, window=window)
    if plan.said.fail is not None:
        raise _refused(plan.said.fail)
    conversation_id = state.get("conversationId") or str(uuid.uuid4())
    head = Head(200, _headers(simulation, route, conversation_id))
    frames = [
        *_initial_response(simulation, route, conversation_id),
        *_frames(simulation, plan, fault, conversation_id=conversation_id, window=window),
    ]
    if fault is not None and fault.kind not in EVENT_KINDS:
        return [Pause(plan.latency), *stream_steps(fault, head, frames, plan.pace)]
    return [Pause(plan.latency), head, *_writes(frames, plan.pace, simulation.options.frames_per_write), End()]


def model_of(body: bytes) -> str:
    """The id of the model that a chat body asks for: the default's where it names none."""
    return _named(_model_id(_lenient(body)))


def _plan(simulation: Simulation, state: dict[str, Any], *, window: int) -> _Plan:
    options = simulation.options
    if not simulation.turns:
        said = model.reply(state, window_tokens=window)
        return _Plan(said, None, options.trailer, options.pace, options.latency)
    turn = simulation.turns.popleft()
    characters = sum(len(json.dumps(payload)) for _, payload in turn.events)
    sent = len(json.dumps(state))
    return _Plan(
        said=ModelTurn(turn.events, None, None, max(1, sent // 4), max(1, characters // 4)),
        stop=turn.stop,
        trailer=turn.trailer or options.trailer,
        pace=options.pace if turn.pace is None else turn.pace,
        latency=options.latency if turn.latency is None else turn.latency,
    )


def _frames(
    simulation: Simulation, plan: _Plan, fault: Fault | None, *, conversation_id: str, window: int
) -> list[bytes]:
    before = model.leader(plan.trailer, conversation_id, str(uuid.uuid4()))
    said = plan.said
    if said.fail_after is not None:
        spoken = [event_frame(*event) for event in [*before, *said.events[: said.fail_after]]]
        return [*spoken, exception_frame("error", _BROKE_OFF, "MODEL_TEMPORARILY_UNAVAILABLE")]
    if fault is not None and fault.kind in EVENT_KINDS:
        return [event_frame(*event) for event in change_events(fault, [*before, *said.events])]
    after = model.trailer(plan.trailer, said, window_tokens=window, with_token_usage=simulation.options.token_usage)
    if plan.stop is not None:
        after = [(kind, {**it, "stopReason": plan.stop} if kind == "metadataEvent" else it) for kind, it in after]
    return [event_frame(*event) for event in [*before, *said.events, *after]]


def _initial_response(simulation: Simulation, route: Route, conversation_id: str) -> list[bytes]:
    """It carries the members that are not the stream; over REST those are headers (protocol.md 1.4, 3.1)."""
    if not simulation.options.initial_response:
        return []
    members = {} if route.surface == "codewhisperer" else {"conversationId": conversation_id}
    return [event_frame("initial-response", members)]


def _writes(frames: list[bytes], pace: float, frames_per_write: int) -> list[Step]:
    if pace > 0 or frames_per_write <= 1:
        return paced(frames, pace)
    groups = (frames[start : start + frames_per_write] for start in range(0, len(frames), frames_per_write))
    return [Data(b"".join(group), len(group)) for group in groups]


def _headers(simulation: Simulation, route: Route, conversation_id: str) -> list[tuple[str, str]]:
    name = "x-amzn-kiro-conversation-id" if route.surface == "kiro" else "x-amzn-codewhisperer-conversation-id"
    return [
        ("content-type", simulation.options.content_type),
        ("x-amzn-requestid", str(uuid.uuid4())),
        (name, conversation_id),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ]


def _context(simulation: Simulation, request: Request, route: Route, *, account: Account, asked: object) -> RuleContext:
    options = simulation.options
    operation: Literal["GenerateAssistantResponse", "SendMessage"]
    operation = "SendMessage" if route.operation == "SendMessage" else "GenerateAssistantResponse"
    return RuleContext(
        profile=route.profile_of(options),
        operation=operation,
        account_kind=account.kind,
        model_ids=frozenset(item.id for item in offered(account.models)),
        host_region=request.region,
        account_profile_arns=frozenset(account.profile_arns),
        opt_rules=options.opt_rules,
        max_body_bytes=options.max_body_bytes,
        window_tokens=window_of(asked),
        listed=listed(asked),
    )


def _refused(refusal: Refusal) -> Refused:
    error = ServiceError(
        refusal.status, refusal.error, refusal.message, refusal.reason, refusal.retry_after_milliseconds
    )
    return Refused(error, rule=refusal.rule)


def _lenient(body: bytes) -> dict[str, Any]:
    """The body if it is a JSON object; the validator says what is wrong with any other."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _named(model_id: object) -> str:
    return DEFAULT_MODEL.id if model_id is None else str(model_id)


def _model_id(body: dict[str, Any]) -> object:
    here: object = body
    for name in ("conversationState", "currentMessage", "userInputMessage", "modelId"):
        here = here.get(name) if isinstance(here, dict) else None
    return here
