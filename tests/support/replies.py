"""Replies, as the events that say them: the table that every dialect has to be able to show."""

from typing import Final

from cwproxy.reply import (
    Finished,
    Found,
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    Searched,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

USAGE: Final = Usage(12, 5, "backend", cache_read_tokens=3, cache_write_tokens=2, reasoning_tokens=1)


def end(reason: StopReason = StopReason.END_TURN, stop_sequence: str | None = None) -> list[ReplyEvent]:
    return [USAGE, Finished(reason, stop_sequence)]


TEXT: Final[list[ReplyEvent]] = [TextStarted(0), TextDelta(0, "Grü"), TextDelta(0, 'ße "世界"'), PartEnded(0)]
THOUGHT: Final[list[ReplyEvent]] = [
    ReasoningStarted(0),
    ReasoningDelta(0, "hm"),
    ReasoningSignature(0, "c2ln"),
    ReasoningSignature(0, "bmF0dXJl"),
    PartEnded(0),
]
CALLS: Final[list[ReplyEvent]] = [
    ToolUseStarted(1, "t1", "f"),
    ToolUseStarted(3, "t2", "g"),
    ToolArguments(1, '{"a":'),
    ToolArguments(3, '{"b"'),
    ToolArguments(1, "1}"),
    ToolArguments(3, ":2}"),
    PartEnded(3),
    ToolUseStarted(4, "t3", "h"),
    PartEnded(1),
    PartEnded(4),
]

TABLE: Final[dict[str, list[ReplyEvent]]] = {
    "text": TEXT + end(),
    "reasoning": [*THOUGHT, TextStarted(1), TextDelta(1, "So."), PartEnded(1), *end()],
    "redacted": [ReasoningRedacted(0, "AAAA"), PartEnded(0), TextStarted(1), TextDelta(1, "So."), PartEnded(1), *end()],
    "calls that interleave": CALLS + end(StopReason.TOOL_USE),
    "text and a call": [
        *TEXT,
        ToolUseStarted(1, "t1", "f"),
        ToolArguments(1, '{"x":"\\u00e9"}'),
        PartEnded(1),
        *end(StopReason.TOOL_USE),
    ],
    "a call said to be the end of the turn": CALLS + end(),
    "length": TEXT + end(StopReason.MAX_TOKENS),
    "length after a call": CALLS + end(StopReason.MAX_TOKENS),
    "stop sequence": TEXT + end(StopReason.STOP_SEQUENCE, "END"),
    "filtered": TEXT + end(StopReason.CONTENT_FILTER),
    "window": TEXT + end(StopReason.CONTEXT_WINDOW),
    "a search": [
        Searched(0, "srvtoolu_1", "größe", (Found("One", "https://e.x/", "All.", "2026-11-01"),)),
        PartEnded(0),
        TextStarted(1),
        TextDelta(1, "So."),
        PartEnded(1),
        *end(),
    ],
    "nothing": end(),
}
