"""Cache points: where, how many, and only behind enough text."""

import json
from typing import Any

import pytest
from tests.support.chat_requests import ARN, base_context

from cwproxy.codewhisperer.caching import Caching
from cwproxy.codewhisperer.request import build
from cwproxy.codewhisperer.surfaces import Surface, Target, chat_call
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    SystemTurn,
    Text,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
    UserTurn,
)
from cwproxy.simulator.rules import validate

READ = Tool("read", "Reads a file.", b'{"type":"object","properties":{}}')
WORDS = "some plain words " * 20
"""70 tokens or so."""


def conversation(turns: int, *, system: str = "", text: str = "x", tools: tuple[Tool, ...] = ()) -> Conversation:
    said: list[Turn] = [SystemTurn(system)] if system else []
    for number in range(turns):
        said.append(UserTurn((Text(f"{number} {text}"),)))
        said.append(AssistantTurn((Text(f"{number} {text}"),)))
    return Conversation("m", (*said, UserTurn((Text("now"),))), tools)


def body(asked: Conversation, caching: Caching | None) -> dict[str, Any]:
    prepared = build(asked, model_id="claude-sonnet-4.5", conversation_id="c", origin="KIRO_CLI", caching=caching)
    call = chat_call(Target(Surface.Q, "us-east-1"), prepared.state, invocation_id="i")
    sent: dict[str, Any] = json.loads(call.body or b"")
    return sent


def points(asked: Conversation, caching: Caching | None) -> list[int]:
    """The entries of the history that have one."""
    entries = body(asked, caching)["conversationState"].get("history", [])
    found = []
    for index, entry in enumerate(entries):
        ((_, message),) = entry.items()
        if "cachePoint" in message:
            assert message["cachePoint"] == {"type": "default"}
            found.append(index)
    return found


def test_a_model_that_lists_no_caching_gets_none() -> None:
    assert points(conversation(5, system="s", text=WORDS), None) == []


@pytest.mark.parametrize(
    ("turns", "system", "expected"),
    [
        (0, "", []),
        (0, "s", [1]),
        (1, "", [1]),
        (2, "", [1, 3]),
        (1, "s", [1, 3]),
        (4, "", [5, 7]),
        (4, "s", [1, 7, 9]),
    ],
)
def test_points_stand_behind_the_system_text_and_the_last_two_turns(
    turns: int, system: str, expected: list[int]
) -> None:
    assert points(conversation(turns, system=system), Caching(1, 4)) == expected


@pytest.mark.parametrize(("most", "expected"), [(1, [9]), (2, [1, 9]), (3, [1, 7, 9])])
def test_the_newest_point_is_the_last_to_go(most: int, expected: list[int]) -> None:
    assert points(conversation(4, system="s"), Caching(1, most)) == expected


def test_a_point_needs_enough_before_it() -> None:
    long = conversation(4, system="s", text=WORDS)
    assert points(long, Caching(100, 4)) == [7, 9]
    assert points(long, Caching(540, 4)) == [9]
    assert points(long, Caching(5_000, 4)) == []


def test_tools_and_results_count() -> None:
    described = Tool("read", WORDS * 2, READ.schema)
    assert points(conversation(1, system="s", tools=(described,)), Caching(100, 4)) == [1, 3]
    schema = json.dumps({"type": "object", "properties": {"a": {"type": "string", "description": WORDS}}}).encode()
    assert points(conversation(1, tools=(Tool("read", "d", schema), Tool("more", WORDS, b"{}"))), Caching(60, 4)) == [1]
    arguments = json.dumps({"path": WORDS})
    turns = (
        UserTurn((Text("a"),)),
        AssistantTurn((ToolUse("t", "read", arguments),)),
        UserTurn((ToolResult("t", (Text(WORDS),)),)),
        AssistantTurn((Text("b"),)),
        UserTurn((Text("c"),)),
    )
    assert points(Conversation("m", turns, (READ,)), Caching(60, 4)) == [1, 3]
    assert points(Conversation("m", turns, (READ,)), Caching(120, 4)) == [3]


def test_the_last_point_of_a_turn_is_found_again_in_the_next() -> None:
    for turns in range(1, 6):
        before, after = (points(conversation(count, system="s"), Caching(1, 4)) for count in (turns, turns + 1))
        assert before[-1] in after


@pytest.mark.parametrize("profile", ["legacy-q", "kiro-runtime"])
def test_the_judge_takes_them(profile: Any) -> None:
    sent = body(conversation(4, system="s", tools=(READ,)), Caching(1, 4)) | {"profileArn": ARN}
    judged = validate(json.dumps(sent).encode(), base_context(profile))
    assert isinstance(judged, dict), judged
