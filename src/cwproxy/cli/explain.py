"""`cwproxy explain`: which rule of the backend a captured request breaks, as the simulator's judge sees it."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from cwproxy.diagnosis import redaction
from cwproxy.errors import SettingsError
from cwproxy.simulator.rules import REMEDIES, RULES, Refusal, RuleContext, refusals

Profile = Literal["legacy-q", "kiro-runtime"]
PROFILES: Final[tuple[Profile, ...]] = ("legacy-q", "kiro-runtime")

_WORDING: Final = frozenset({15, 42, 60})
"""Rules that only word the breach of another one."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A chat request's body, and what is known around it. `answered` is what the backend said, if a dump tells."""

    body: dict[str, Any]
    profile: Profile | None
    has_envelope: bool
    answered: str | None = None


def explain(file: str, *, profile: str | None = None) -> int:
    """Print what is wrong with the request in `file` (`-` is standard input): 1 when a rule is broken, else 0.

    The file is a dump (`dump_failures`), the body of a chat call, or a bare ConversationState. Raises SettingsError
    for a file that holds none of them.
    """
    request = _load(file)
    chosen = (
        [each for each in PROFILES if each == profile] if profile else [request.profile or each for each in PROFILES]
    )
    if not chosen:
        raise SettingsError(f"--profile: {profile!r} is neither legacy-q nor kiro-runtime.")
    lines = [f"The backend said: {request.answered}", ""] if request.answered else []
    broken = False
    for each in dict.fromkeys(chosen):
        found = list(_broken(request, each))
        broken = broken or bool(found)
        lines.append(f"{each}: {_count(found)}")
        for refusal in found:
            lines += _described(refusal)
        for rule in _also(request, each):
            lines.append(
                f"  perhaps rule {rule} ({RULES[rule].name}; {RULES[rule].source}), which is not enforced everywhere"
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if broken else 0


def _load(file: str) -> _Request:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        value = json.loads(text)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not JSON: {error}.") from error
    value = redaction.inflated(value)
    match value:
        case {"upstream": {"body": {"conversationState": dict()} as body, "target": str(target)}}:
            profile: Profile = "kiro-runtime" if target.startswith("KiroRuntime") else "legacy-q"
            return _Request(body, profile, True, _answered(value.get("response")))
        case {"conversationState": dict()}:
            return _Request(value, None, True)
        case {"currentMessage": _}:
            return _Request({"conversationState": value}, None, False)
        case {"upstream": None, "error": {"message": str(message)}}:
            raise SettingsError(f"{file}: the backend was not asked; cwproxy refused the request itself: {message}")
        case _:
            raise SettingsError(f"{file} holds neither a dump nor a chat request of the backend.")


def _answered(response: object) -> str | None:
    match response:
        case {"status": int(status), "body": {"message": str(message), **rest}}:
            reason = rest.get("reason")
            return f"HTTP {status}, {message}" + (f" ({reason})" if reason else "")
        case {"status": int(status)}:
            return f"HTTP {status}"
        case _:
            return None


def _broken(request: _Request, profile: Profile) -> Iterator[Refusal]:
    """What depends on the account (its profiles, its models) is taken as right."""
    yield from refusals(json.dumps(request.body).encode(), _context(request, profile))


def _also(request: _Request, profile: Profile) -> Iterator[int]:
    """Numbers of the rules that are off by default and would be broken as well."""
    context, body = _context(request, profile), json.dumps(request.body).encode()
    if any(refusals(body, context)):
        return
    for rule in RULES:
        if rule not in _WORDING and any(refusals(body, replace(context, opt_rules=frozenset({rule})))):
            yield rule


def _context(request: _Request, profile: Profile) -> RuleContext:
    body = request.body
    match body["conversationState"].get("currentMessage"):
        case {"userInputMessage": {"modelId": str(model)}}:
            models = frozenset({model})
        case _:
            models = frozenset()
    arn = body.get("profileArn")
    return RuleContext(
        profile=profile,
        operation="SendMessage" if "source" in body else "GenerateAssistantResponse",
        account_kind="builder-id" if request.has_envelope else "api-key",
        model_ids=models,
        host_region=None,
        account_profile_arns=frozenset({arn} if isinstance(arn, str) else ()),
        signs=False,
    )


def _count(found: list[Refusal]) -> str:
    if not found:
        return "no rule is broken"
    return "1 fault" if len(found) == 1 else f"{len(found)} faults"


def _described(refusal: Refusal) -> Iterator[str]:
    rule = RULES[refusal.rule]
    yield f"  rule {refusal.rule}: {rule.name}"
    yield f"    source   {rule.source} ({rule.level})"
    yield f"    where    {refusal.detail}"
    yield f"    answer   HTTP {refusal.status}, {refusal.message}" + (f" ({refusal.reason})" if refusal.reason else "")
    yield f"    change   {REMEDIES[refusal.rule]}"
