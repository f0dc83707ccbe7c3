"""How much work a conversation is to convert, for deciding where that is done."""

from typing import Final, assert_never

from cwproxy.conversation import (
    AssistantPart,
    AssistantTurn,
    Conversation,
    Document,
    Image,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)

PART_WEIGHT: Final = 64
TOOL_WEIGHT: Final = 256
REFERENCE_WEIGHT: Final = 16 * 1024
"""Characters that a part, a tool and a `$ref` in its schema count for beside their own: a conversation may be long in
tiny pieces, and what a reference leads to may be anything.
"""


def weight(conversation: Conversation) -> int:
    """How much work converting it is, in characters of plain text."""
    size = sum(len(tool.schema) + len(tool.description) + TOOL_WEIGHT for tool in conversation.tools)
    size += sum(tool.schema.count(b"$ref") for tool in conversation.tools) * REFERENCE_WEIGHT
    return size + sum(map(_characters, conversation.turns))


def _characters(item: Turn | UserPart | AssistantPart) -> int:
    match item:  # in the order of how often they come: each class that does not fit costs as much as the rest
        case Text(text=text) | ToolUse(arguments=text):
            return len(text)
        case UserTurn(parts=parts) | AssistantTurn(parts=parts) | ToolResult(content=parts):
            return sum(map(_characters, parts)) + PART_WEIGHT * len(parts)
        case SystemTurn(text=text) | Reasoning(text=text):
            return len(text)
        case Image(data=data) | Document(data=data) | RedactedReasoning(data=data):
            return len(data)
        case RemoteImage():
            return 0
        case _:
            assert_never(item)
