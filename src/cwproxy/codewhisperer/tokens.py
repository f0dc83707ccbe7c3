"""How many tokens a text is, roughly: for usage when the backend does not count (it mostly does not, protocol.md 3.3).

No tokenizer of these models is public, so this is a stated estimate: in linear time, by a handful of passes in C.

* letters, digits and blanks of ASCII: one token for 4.5 characters, as in English prose;
* every mark that stands alone in JSON and code (quotes, brackets, colons, …): half a token, as pairs often merge;
* every byte beyond the first of a non-ASCII character in UTF-8: half a token. That makes two letters of Cyrillic,
  Greek or Arabic one token, a CJK character one token, an emoji one and a half.
"""

from typing import Final, assert_never

from cwproxy.conversation import AssistantTurn, Conversation, Image, SystemTurn, Text, ToolResult, ToolUse, UserTurn

IMAGE_TOKENS: Final = 1_500
"""A picture as the models' makers count one of about a megapixel; its size in pixels is not looked at."""

TURN_TOKENS: Final = 4
"""The frame around a turn, a tool call or a tool."""

_PLAIN_PER_TOKEN: Final = 4.5
_MARKS: Final = bytes(set(range(33, 127)) - set(range(48, 58)) - set(range(65, 91)) - set(range(97, 123)) - {95})


def estimate(text: str) -> int:
    """Tokens of a text: 0 for the empty one, else at least 1."""
    if not text:
        return 0
    data = text.encode("utf-8", "replace")
    ascii_only = data if len(data) == len(text) else text.encode("ascii", "ignore")
    plain = len(ascii_only.translate(None, _MARKS))
    marks = len(ascii_only) - plain
    extra = len(data) - len(text)
    return max(1, round(plain / _PLAIN_PER_TOKEN + marks / 2 + extra / 2))


def estimate_conversation(conversation: Conversation) -> int:
    """Tokens of everything the client sent; the service's own hidden prompt (backend-rules.md B15) is not in it."""
    total = 0
    for turn in conversation.turns:
        total += TURN_TOKENS
        match turn:
            case SystemTurn(text=text):
                total += estimate(text)
            case UserTurn(parts=parts) | AssistantTurn(parts=parts):
                total += sum(map(_part, parts))
            case _:
                assert_never(turn)
    for tool in conversation.tools:
        schema = tool.schema.decode("utf-8", "replace")
        total += TURN_TOKENS + estimate(tool.name) + estimate(tool.description) + estimate(schema)
    if conversation.answer is not None and conversation.answer.schema is not None:
        total += estimate(conversation.answer.schema.decode("utf-8", "replace"))
    return max(1, total)


def _part(part: Text | Image | ToolResult | ToolUse) -> int:
    match part:
        case Text(text=text):
            return estimate(text)
        case Image():
            return IMAGE_TOKENS
        case ToolResult(content=content):
            return TURN_TOKENS + sum(map(_part, content))
        case ToolUse(name=name, arguments=arguments):
            return TURN_TOKENS + estimate(name) + estimate(arguments)
        case _:
            assert_never(part)
