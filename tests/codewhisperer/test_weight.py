"""What takes long to convert is heavy, in whatever way it is."""

import pytest

from cwproxy.codewhisperer.weight import PART_WEIGHT, weight
from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    Text,
    Tool,
    UserTurn,
)
from cwproxy.service.preparation import BIG_CONVERSATION


@pytest.mark.parametrize(
    "conversation",
    [
        Conversation("auto", (UserTurn(tuple(Text("x") for _ in range(10_000))),)),
        Conversation("auto", (UserTurn((Text("x"),)),), tuple(Tool(f"t{n}", "", b"{}") for n in range(3_000))),
        Conversation("auto", (UserTurn((Text("x"),)),), (Tool("t", "", b'{"$ref":"#"}' * 40),)),
        Conversation("auto", (UserTurn((Text("x" * 600_000),)),)),
    ],
    ids=["parts", "tools", "references", "text"],
)
def test_what_takes_long_to_convert_is_big(conversation: Conversation) -> None:
    assert weight(conversation) > BIG_CONVERSATION
    assert weight(Conversation("auto", (UserTurn((Text("x"),)),))) < BIG_CONVERSATION


def test_thoughts_weigh_what_they_are_long() -> None:
    thoughts = AssistantTurn((Reasoning("abc", "signature"), RedactedReasoning("AAAA")))
    assert weight(Conversation("auto", (thoughts,))) == 3 + 4 + 2 * PART_WEIGHT


def test_what_is_elsewhere_weighs_only_its_part() -> None:
    assert weight(Conversation("auto", (UserTurn((RemoteImage("https://x", "p"),)),))) == PART_WEIGHT
