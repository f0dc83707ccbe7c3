from typing import Any

import pytest
from tests.support.chat_requests import (
    CALL,
    CONTEXT,
    PROFILES,
    RESULT,
    STATE,
    Breach,
    Profile,
    assert_accepted,
    assert_refused,
    assistant,
    tool,
    tool_result,
    tool_use,
    user,
)

MISMATCH = "TOOL_USE_RESULT_MISMATCH"
RESULTS = f"{RESULT}.userInputMessageContext.toolResults"


def unanswered(index: int, *identifiers: str) -> dict[str, Any]:
    return {
        "message": f"Bedrock error message: messages.{index}: `tool_use` ids were found without `tool_result` blocks "
        f"immediately after: {', '.join(identifiers)}. Each `tool_use` block must have a corresponding `tool_result` "
        "block in the next message.",
        "reason": MISMATCH,
    }


def orphaned(index: int) -> dict[str, Any]:
    return {
        "message": f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks "
        "of previous turn.",
        "reason": MISMATCH,
    }


def without_tools() -> dict[str, Any]:
    return {
        "message": "Bedrock error message: The toolConfig field must be defined when using toolUse and toolResult "
        "content blocks.",
        "reason": "TOOL_CONFIG_MISSING",
    }


BREACHES = [
    Breach(16, {RESULTS: [], f"{RESULT}.content": "Go on."}, **unanswered(3, "tooluse_1")),
    Breach(16, {f"{CALL}.toolUses": [tool_use(), tool_use("b"), tool_use("c")]}, **unanswered(3, "b", "c")),
    Breach(
        16, {f"{STATE}.history": [user("one"), assistant("two", toolUses=[tool_use("last")])]}, **unanswered(1, "last")
    ),
    Breach(17, {RESULTS: [tool_result(), tool_result("stray")]}, **orphaned(4)),
    Breach(17, {f"{CONTEXT}.toolResults": [tool_result()]}, **orphaned(6)),
    Breach(17, {f"{STATE}.history": [], f"{CONTEXT}.toolResults": [tool_result()]}, **orphaned(0)),
    Breach(18, {RESULTS: [tool_result(), tool_result()]}),
    Breach(20, {f"{CONTEXT}.tools": []}, **without_tools()),
    Breach(20, {CONTEXT: {}}, **without_tools()),
    Breach(21, {f"{CONTEXT}.tools": [tool("another")]}),
    Breach(
        101,
        {f"{CALL}.toolUses": [tool_use(), tool_use()]},
        message="Bedrock error message: messages.3: `tool_use` ids must be unique",
        reason="TOOL_DUPLICATE",
    ),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"rule {breach.rule}")
def test_a_breach_is_refused(breach: Breach, profile: Profile) -> None:
    assert_refused(breach, profile)


def test_parallel_calls_may_be_answered_in_any_order() -> None:
    assert_accepted({f"{CALL}.toolUses": [tool_use("a"), tool_use("b")], RESULTS: [tool_result("b"), tool_result("a")]})


def test_ids_may_come_again_in_another_turn() -> None:
    history = [
        user("one"),
        assistant("two", toolUses=[tool_use()]),
        user("", userInputMessageContext={"toolResults": [tool_result()]}),
        assistant("three", toolUses=[tool_use()]),
    ]
    assert_accepted({f"{STATE}.history": history, f"{CONTEXT}.toolResults": [tool_result()]})
