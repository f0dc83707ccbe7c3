"""Who asks, through which profile, for which model, and what a surface wants around the conversation
(backend-rules.md A4)."""

import re
from collections.abc import Iterator
from typing import Any

from cwproxy.simulator.models import DEFAULT_MODEL, Model
from cwproxy.simulator.rules.signature import is_signature_of
from cwproxy.simulator.rules.turns import Request
from cwproxy.simulator.rules.verdict import Refusal, RuleContext, bedrock, denied, improper, invalid

_ENTERPRISE = ("identity-center", "external-idp")
_VERSION_4_5 = re.compile(r"4[-._]5(?!\d)")


def profile(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 52, 53 and 54. An API key stands for its profile (protocol.md 2.1)."""
    arn = request.body.get("profileArn")
    if arn is None:
        if context.is_runtime and context.account_kind != "api-key":
            message = "profileArn is required for this request."
            yield Refusal(400, "ValidationException", message, None, 52, "profileArn is missing")
        elif context.account_kind in _ENTERPRISE:
            yield denied(52, f"profileArn is missing, and the account is one of {context.account_kind}")
        return
    region = arn.split(":")[3]
    if context.host_region is not None and region != context.host_region:
        yield improper(context, 53, f"profileArn is of {region}, the host of {context.host_region}")
    if arn not in context.account_profile_arns:
        yield denied(54, "profileArn is none of the account's")


def model(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 57 and 46. No model id means the service's default."""
    model_id = request.model_id
    if model_id is not None and model_id not in context.model_ids:
        yield Refusal(
            400,
            "ValidationException",
            "Invalid model. Please select a different model to continue.",
            "INVALID_MODEL_ID",
            57,
            f"{request.current.path}.modelId is not among the account's models",
        )
    fields = request.body.get("additionalModelRequestFields")
    if fields is None:
        return
    if context.is_runtime and context.account_kind in _ENTERPRISE:
        yield improper(context, 46, "additionalModelRequestFields from an enterprise account")
    listed = context.listed
    if _VERSION_4_5.search(model_id or "") or (listed is not None and listed.fields_schema is None):
        yield invalid(
            context,
            46,
            f"additionalModelRequestFields for {model_id}",
            message="additionalModelRequestFields is not supported for this model",
            reason="REQUEST_BODY_INVALID",
        )
    elif listed is not None and not _fits(fields, listed):
        yield improper(context, 46, f"additionalModelRequestFields is not what {listed.id} lists")


def _fits(fields: dict[str, Any], listed: Model) -> bool:
    """Whether the model's own schema takes the fields (protocol.md 2.11, "bad effort value")."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(listed.fields_schema or {}).is_valid(fields)


def surroundings(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 45 and 51."""
    if context.is_runtime and request.body.get("systemPrompt") is not None:
        yield improper(context, 45, "systemPrompt stands at the top level")
    if 51 in context.opt_rules:
        environment = request.current.context.get("envState") or {}
        if environment.get("operatingSystem") is None or environment.get("currentWorkingDirectory") is None:
            yield improper(context, 51, f"{request.current.path}.userInputMessageContext.envState")


def reasoning(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 48 and 49; of redacted reasoning only its shape can be checked."""
    model_id = request.model_id or DEFAULT_MODEL.id
    for turn in request.turns:
        plain = turn.reasoning.get("reasoningText")
        if plain is None:
            continue
        place = f"{turn.path}.reasoningContent.reasoningText.signature"
        if not plain.get("signature"):
            yield improper(context, 48, f"{place} is missing")
        elif context.signs and not is_signature_of(plain["signature"], plain["text"], model_id):
            yield bedrock(
                context,
                49,
                f"{place} is not of this text and model",
                message="Invalid `signature` in `thinking` block",
                reason="THINKING_SIGNATURE_INVALID",
            )


def refuse_profile_listing(account_kind: str) -> Refusal | None:
    """Rule 56: what ListAvailableProfiles says to an account that can have no profiles."""
    if account_kind == "builder-id":
        return denied(
            56, "ListAvailableProfiles with Builder ID", message="AWS Builder ID is not supported for this operation."
        )
    return None
