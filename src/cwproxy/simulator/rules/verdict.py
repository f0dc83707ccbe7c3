"""What a judge needs to know, what it says when it refuses, and how the two profiles word the same refusal.

The envelope on the wire is made elsewhere; here are only its parts (backend-rules.md A, "Error envelope").
"""

from dataclasses import dataclass
from typing import Literal

from cwproxy.simulator.models import Model

IMPROPER = "Improperly formed request."
"""The one sentence that covers fifty faults (backend-rules.md, third fact of the introduction)."""

INTERNAL_VALIDATION = "The request could not be processed due to an internal validation error. Please try again."
"""The second validator's sentence (backend-rules.md A1 15)."""

SHAPE = 100
"""Our number for faults against the service model itself (protocol.md 2); the reference's table has none for them."""

DUPLICATE_TOOL_USE = 101
"""Our number for TOOL_DUPLICATE (protocol.md 2.11)."""

DUPLICATE_DOCUMENT = 102
"""Our number for DOCUMENT_DUPLICATE_NAME (protocol.md 4.2)."""

ILLEGAL_DOCUMENT_NAME = 103
"""Our number for INVALID_DOCUMENT_NAME (protocol.md 4.2)."""


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What is known about a request besides its body.

    `host_region` is None where the address does not tell it. `account_profile_arns` are the ARNs that this account may
    use. `opt_rules` switches on the rules that are off by default. `max_body_bytes` switches rule 58 on by itself.
    `listed` is what ListAvailableModels says of the model that is asked, None where that is not known. `signs` is false
    for a judge of what another service has signed.
    """

    profile: Literal["legacy-q", "kiro-runtime"]
    operation: Literal["GenerateAssistantResponse", "SendMessage"]
    account_kind: str
    model_ids: frozenset[str]
    host_region: str | None
    account_profile_arns: frozenset[str]
    opt_rules: frozenset[int] = frozenset()
    max_body_bytes: int | None = None
    window_tokens: int = 200_000
    listed: Model | None = None
    signs: bool = True

    @property
    def is_runtime(self) -> bool:
        return self.profile == "kiro-runtime"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that fails before its first event.

    `error` is the exception's bare name ("ValidationException"). `rule` is the number in `table.RULES`, or 0 where a
    marker in the prompt asked for the failure. `detail` is for people: it never goes on the wire.
    """

    status: int
    error: str
    message: str
    reason: str | None
    rule: int
    detail: str
    retry_after_milliseconds: int | None = None


def invalid(context: RuleContext, rule: int, detail: str, *, message: str, reason: str | None) -> Refusal:
    """A 400 whose text is the same everywhere; only the runtime knows the newer reasons."""
    return Refusal(400, "ValidationException", message, reason if context.is_runtime else None, rule, detail)


def improper(context: RuleContext, rule: int, detail: str) -> Refusal:
    """The generic shape error. With rule 15 switched on, the second validator's sentence stands in its place."""
    if 15 in context.opt_rules:
        return invalid(context, rule, detail, message=INTERNAL_VALIDATION, reason=None)
    return invalid(context, rule, detail, message=IMPROPER, reason="REQUEST_BODY_INVALID")


def bedrock(context: RuleContext, rule: int, detail: str, *, message: str, reason: str) -> Refusal:
    """A fault that the runtime names and that the older service hides behind the generic sentence."""
    if context.is_runtime:
        return invalid(context, rule, detail, message=message, reason=reason)
    return improper(context, rule, detail)


def bad_tool_use(context: RuleContext, rule: int, detail: str) -> Refusal:
    """The sentence of backend-rules.md A3 42, said for rules 22 and 41."""
    return invalid(context, rule, detail, message="Invalid tool use format.", reason="REQUEST_BODY_INVALID")


def denied(rule: int, detail: str, *, message: str = "User is not authorized to make this call.") -> Refusal:
    return Refusal(403, "AccessDeniedException", message, None, rule, detail)
