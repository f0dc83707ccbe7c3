"""Tool uses and their results, turn by turn (backend-rules.md A2). Expects turns that alternate."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cwproxy.simulator.rules.turns import Request, Turn
from cwproxy.simulator.rules.verdict import DUPLICATE_TOOL_USE, Refusal, RuleContext, bedrock, improper

_MISMATCH = "TOOL_USE_RESULT_MISMATCH"


def declared(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 20 and 21: what the history used has to be on offer."""
    offered = {tool["name"] for tool in request.tools}
    for turn in request.turns:
        if not offered and (turn.tool_uses or turn.tool_results):
            yield bedrock(
                context,
                20,
                f"{turn.path} has tool blocks, but the current message offers no tools",
                message="Bedrock error message: The toolConfig field must be defined when using toolUse and toolResult "
                "content blocks.",
                reason="TOOL_CONFIG_MISSING",
            )
        for use in turn.tool_uses:
            if use["name"] not in offered:
                yield improper(context, 21, f"{turn.path} uses {use['name']}, which is not on offer")


def paired(request: Request, context: RuleContext) -> Iterator[Refusal]:
    """Rules 16, 17, 18 and TOOL_DUPLICATE."""
    for turn in request.turns:
        yield from _repeated(turn, context)
    if request.current.tool_results and len(request.turns) == 1:
        yield _orphan(request.current, _ids(request.current.tool_results), context)
    for former, latter in pairwise(request.turns):
        uses, results = _ids(former.tool_uses), _ids(latter.tool_results)
        if missing := [use for use in uses if use not in results]:
            yield _unanswered(former, missing, context)
        if extra := [result for result in results if result not in uses]:
            yield _orphan(latter, extra, context)


def _ids(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["toolUseId"] for block in blocks]


def _repeated(turn: Turn, context: RuleContext) -> Iterator[Refusal]:
    for identifier, count in Counter(_ids(turn.tool_results)).items():
        if count > 1:
            yield improper(context, 18, f"{turn.path} has {count} results for {identifier}")
    for identifier, count in Counter(_ids(turn.tool_uses)).items():
        if count > 1:
            yield bedrock(
                context,
                DUPLICATE_TOOL_USE,
                f"{turn.path} has {count} tool uses with the id {identifier}",
                message=f"Bedrock error message: messages.{turn.index}: `tool_use` ids must be unique",
                reason="TOOL_DUPLICATE",
            )


def _unanswered(turn: Turn, missing: list[str], context: RuleContext) -> Refusal:
    return bedrock(
        context,
        16,
        f"{turn.path}: no result in the next turn for {', '.join(missing)}",
        message=f"Bedrock error message: messages.{turn.index}: `tool_use` ids were found without `tool_result` blocks "
        f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block "
        "in the next message.",
        reason=_MISMATCH,
    )


def _orphan(turn: Turn, extra: list[str], context: RuleContext) -> Refusal:
    return bedrock(
        context,
        17,
        f"{turn.path}: no tool use in the turn before for {', '.join(extra)}",
        message=f"The number of toolResult blocks at messages.{turn.index}.content exceeds the number of toolUse "
        "blocks of previous turn.",
        reason=_MISMATCH,
    )
