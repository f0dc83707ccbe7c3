"""The judge: whether the real service, as far as it is known, would take a chat request.

Written from the references alone and blind to the converter, so that it cannot share the converter's mistakes.
"""

from collections.abc import Callable, Iterator
from typing import Any

from cwproxy.simulator.rules.document import NotStrictJson, parse
from cwproxy.simulator.rules.identity import model, profile, reasoning, refuse_profile_listing, surroundings
from cwproxy.simulator.rules.images import images
from cwproxy.simulator.rules.members import REQUESTS
from cwproxy.simulator.rules.pairing import declared, paired
from cwproxy.simulator.rules.remedies import REMEDIES
from cwproxy.simulator.rules.shapes import Fault
from cwproxy.simulator.rules.signature import sign
from cwproxy.simulator.rules.sizes import body_size, output, window
from cwproxy.simulator.rules.specifications import specifications
from cwproxy.simulator.rules.table import RULES, Rule
from cwproxy.simulator.rules.turns import Request, order, texts
from cwproxy.simulator.rules.verdict import Refusal, RuleContext, bad_tool_use, improper, invalid

__all__ = [
    "REMEDIES",
    "RULES",
    "Refusal",
    "Rule",
    "RuleContext",
    "refusals",
    "refuse_profile_listing",
    "sign",
    "validate",
]

_CHECKS: tuple[Callable[[Request, RuleContext], Iterator[Refusal]], ...] = (
    surroundings,
    profile,
    model,
    order,
    texts,
    images,
    reasoning,
    specifications,
    declared,
    paired,
    output,
    body_size,
    window,
)
"""In the order of the service, as far as it shows: the envelope, the messages, then what the model's own API says."""


def validate(body: bytes, context: RuleContext) -> dict[str, Any] | Refusal:
    """The body as plain Python values (the whole of it, not only its `conversationState`), or the first refusal."""
    request = _read(body, context)
    if isinstance(request, Refusal):
        return request
    return next(_judged(request, context), request.body)


def refusals(body: bytes, context: RuleContext) -> Iterator[Refusal]:
    """Everything that is wrong with the body; of one that is not of the model's shape, only the first fault."""
    request = _read(body, context)
    if isinstance(request, Refusal):
        yield request
    else:
        yield from _judged(request, context)


def _judged(request: Request, context: RuleContext) -> Iterator[Refusal]:
    for check in _CHECKS:
        yield from check(request, context)


def _read(body: bytes, context: RuleContext) -> Request | Refusal:
    try:
        value = parse(body)
    except NotStrictJson as error:
        return invalid(
            context,
            14,
            str(error),
            message="The request body is not valid JSON.",
            reason="REQUEST_BODY_INVALID_JSON",
        )
    fault = REQUESTS[context.operation](value, "$")
    return Request(value, len(body)) if fault is None else _malformed(fault, context)


def _malformed(fault: Fault, context: RuleContext) -> Refusal:
    refuse = bad_tool_use if fault.rule == 22 else improper
    return refuse(context, fault.rule, f"{fault.path} {fault.problem}")
