"""The second request to a model that did not do what the first one demanded: the same conversation, with what it said
and a sentence about what is wrong with that (compatibility.md 3.2).
"""

from typing import Final

from msgspec.structs import replace

from cwproxy.codewhisperer import wire
from cwproxy.conversation import AssistantTurn, Conversation, Text, UserTurn

MAX_PROBLEM_LENGTH: Final = 1_000
"""Characters: a validator may repeat the whole document."""


def after_invalid_json(conversation: Conversation, said: str, problem: str) -> Conversation:
    """`problem` is what a validator says of `said`."""
    return _after(conversation, said, wire.JSON_REPAIR.format(problem=problem[:MAX_PROBLEM_LENGTH]))


def after_missing_call(conversation: Conversation, said: str) -> Conversation:
    """`said` is the text that came instead of a call; it may be empty."""
    return _after(conversation, said, wire.FORCE_TOOL_AGAIN)


def _after(conversation: Conversation, said: str, sentence: str) -> Conversation:
    """What was demanded of the answer is still demanded, so it is said again after the sentence."""
    more = (AssistantTurn((Text(said),)), UserTurn((Text(sentence),)))
    return replace(conversation, turns=conversation.turns + more)
