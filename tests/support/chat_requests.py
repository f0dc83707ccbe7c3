"""A chat request that breaks no rule, and ways to break exactly one."""

import base64
import copy
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from cwproxy.simulator.rules import RULES, Refusal, RuleContext, sign, validate
from cwproxy.simulator.rules.verdict import IMPROPER

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"
MODEL = "claude-sonnet-4"
ALL_OPT = frozenset(number for number, rule in RULES.items() if rule.level == "opt")
Profile: TypeAlias = Literal["legacy-q", "kiro-runtime"]
PROFILES: tuple[Profile, ...] = ("legacy-q", "kiro-runtime")

STATE = "conversationState"
SYSTEM = "conversationState.history.0.userInputMessage"
QUESTION = "conversationState.history.2.userInputMessage"
CALL = "conversationState.history.3.assistantResponseMessage"
RESULT = "conversationState.history.4.userInputMessage"
ANSWER = "conversationState.history.5.assistantResponseMessage"
CURRENT = "conversationState.currentMessage.userInputMessage"
CONTEXT = CURRENT + ".userInputMessageContext"
TOOL = CONTEXT + ".tools.0.toolSpecification"
SCHEMA = TOOL + ".inputSchema.json"

REMOVED: Any = object()
"""As a new value: the member is taken out."""


def png(width: int = 1, height: int = 1) -> str:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0"
    return base64.b64encode(header).decode("ascii")


def image(data: str | None = None, kind: str = "png") -> dict[str, Any]:
    return {"format": kind, "source": {"bytes": png() if data is None else data}}


def user(content: str, **members: Any) -> dict[str, Any]:
    return {"userInputMessage": {"content": content, **members}}


def assistant(content: str, **members: Any) -> dict[str, Any]:
    return {"assistantResponseMessage": {"content": content, **members}}


def tool(name: str = "get_weather") -> dict[str, Any]:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"toolSpecification": {"name": name, "description": "Looks it up.", "inputSchema": {"json": schema}}}


def tool_use(identifier: str = "tooluse_1", name: str = "get_weather") -> dict[str, Any]:
    return {"toolUseId": identifier, "name": name, "input": {"city": "Rome"}}


def tool_result(identifier: str = "tooluse_1") -> dict[str, Any]:
    return {"toolUseId": identifier, "content": [{"text": "sunny"}, {"json": {"degrees": 31}}], "status": "success"}


def base_body() -> dict[str, Any]:
    thought = "The user wants the weather."
    return {
        "conversationState": {
            "conversationId": "7a1c0f0e-0000-4000-8000-000000000000",
            "chatTriggerType": "MANUAL",
            "history": [
                user("You are brief."),
                assistant("I will follow these instructions."),
                user("What is the weather here?", images=[image()], origin="CLI"),
                assistant(
                    "Let me look.",
                    toolUses=[tool_use()],
                    reasoningContent={"reasoningText": {"text": thought, "signature": sign(thought, MODEL)}},
                ),
                user("", userInputMessageContext={"toolResults": [tool_result()]}),
                assistant("It is sunny."),
            ],
            "currentMessage": user(
                "And tomorrow?",
                modelId=MODEL,
                origin="CLI",
                userInputMessageContext={
                    "envState": {"operatingSystem": "linux", "currentWorkingDirectory": "/"},
                    "tools": [tool(), tool("get-time")],
                },
            ),
        },
        "profileArn": ARN,
        "anUnknownMember": {"temperature": 1},
    }


def base_context(profile: Profile = "legacy-q") -> RuleContext:
    return RuleContext(
        profile=profile,
        operation="GenerateAssistantResponse",
        account_kind="social",
        model_ids=frozenset({"auto", MODEL, "claude-sonnet-4.5", "claude-opus-4.6"}),
        host_region="us-east-1",
        account_profile_arns=frozenset({ARN}),
    )


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The base body with other values at some paths (dots between names and list positions)."""
    body: Any = base_body()
    for path, value in changes.items():
        *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
        holder = body
        for step in way:
            holder = holder[step]
        if value is REMOVED:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(value)
    return dict(body)


@dataclass(frozen=True)
class Breach:
    """Changes that break one rule, and what the refusal says. Unless said otherwise: the generic one.

    `message` and `reason` are the runtime's; `legacy_message` and `legacy_reason` the older service's.
    """

    rule: int
    changes: Mapping[str, Any]
    message: str = IMPROPER
    reason: str | None = "REQUEST_BODY_INVALID"
    legacy_message: str = IMPROPER
    legacy_reason: str | None = None
    status: int = 400
    error: str = "ValidationException"
    context: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, profile: Profile, opt_rules: frozenset[int]) -> dict[str, Any] | Refusal:
        context = replace(base_context(profile), opt_rules=opt_rules, **self.context)
        return validate(json.dumps(changed(self.changes)).encode(), context)


def assert_refused(breach: Breach, profile: Profile) -> None:
    """The breach is refused as it says. If its rule is optional it is off by default."""
    is_opt = RULES[breach.rule].level == "opt"
    refusal = breach.judge(profile, frozenset({breach.rule}) if is_opt else frozenset())
    assert isinstance(refusal, Refusal), f"rule {breach.rule} let it pass"
    is_runtime = profile == "kiro-runtime"
    assert (refusal.rule, refusal.status, refusal.error, refusal.message, refusal.reason) == (
        breach.rule,
        breach.status,
        breach.error,
        breach.message if is_runtime else breach.legacy_message,
        breach.reason if is_runtime else breach.legacy_reason,
    )
    assert refusal.detail
    if is_opt:
        assert not isinstance(breach.judge(profile, frozenset()), Refusal)


def assert_accepted(changes: Mapping[str, Any], **context: Any) -> None:
    for profile in PROFILES:
        answer = Breach(0, changes, context=context).judge(profile, frozenset())
        assert not isinstance(answer, Refusal), answer
