"""How many tokens a text is, roughly: for usage when the backend does not count (it mostly does not, protocol.md 3.3).

No tokenizer of these models is public, so this is a stated estimate: in linear time, by a handful of passes in C. Its
four weights were fitted to two tokenizers that are public, Claude 2's and o200k, on prose, code, JSON, logs and other
scripts. Where the two differ (o200k needs half as many tokens for Russian) it lies between them, nearer to Claude's;
`python -m bench.estimates` measures how far it is from both, and ANALYSIS.md has the figures.

* letters and blanks of ASCII: 0.21 tokens each, digits 0.7;
* marks of JSON and code (quotes, brackets, colons, ...): 0.6, as pairs often merge;
* each byte beyond the first of a non-ASCII character in UTF-8: 0.45, which makes a CJK character 0.9 tokens.
"""

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
    UserPart,
    UserTurn,
)

IMAGE_TOKENS: Final = 1_500
"""A picture as the models' makers count one of about a megapixel; its size in pixels is not looked at."""

DOCUMENT_BYTE: Final = 0.05
"""Tokens for a byte of a document that is no plain text. Much of a PDF or a workbook is fonts, pictures and markup."""

TURN_TOKENS: Final = 4
"""The frame around a turn, a tool call or a tool."""

_LETTER: Final = 0.21
_DIGIT: Final = 0.7
_MARK: Final = 0.6
_EXTRA_BYTE: Final = 0.45

_PLAIN_TEXTS: Final = frozenset({"csv", "html", "md", "txt"})
_DIGITS: Final = bytes(range(48, 58))
_MARKS: Final = bytes(set(range(33, 127)) - set(range(48, 58)) - set(range(65, 91)) - set(range(97, 123)) - {95})


def estimate(text: str) -> int:
    """Tokens of a text: 0 for the empty one, else at least 1."""
    return max(1, round(weigh(text))) if text else 0


def weigh(text: str) -> float:
    """The estimate before it is rounded: additive, so that a text may be weighed in pieces."""
    data = text.encode("utf-8", "replace")
    ascii_only = data if len(data) == len(text) else text.encode("ascii", "ignore")
    without_marks = ascii_only.translate(None, _MARKS)
    letters = len(without_marks.translate(None, _DIGITS))
    digits, marks = len(without_marks) - letters, len(ascii_only) - len(without_marks)
    extra = len(data) - len(text)
    return letters * _LETTER + digits * _DIGIT + marks * _MARK + extra * _EXTRA_BYTE


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


def _part(part: UserPart | AssistantPart) -> int:
    match part:
        case Text(text=text):
            return estimate(text)
        case Image() | RemoteImage():
            return IMAGE_TOKENS
        case Document(format=format, data=data):
            return TURN_TOKENS + round(len(data) * 3 / 4 * (_LETTER if format in _PLAIN_TEXTS else DOCUMENT_BYTE))
        case ToolResult(content=content):
            return TURN_TOKENS + sum(map(_part, content))
        case ToolUse(name=name, arguments=arguments):
            return TURN_TOKENS + estimate(name) + estimate(arguments)
        case Reasoning() | RedactedReasoning():
            return 0  # earlier thoughts mostly stay behind, and the service does not bill those
        case _:
            assert_never(part)
