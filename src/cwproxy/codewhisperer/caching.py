"""Where the service may keep what it has read of a conversation: `cachePoint` on messages (protocol.md 7 2).

On messages only, never among the tools (backend-rules.md A3 43). A point says that everything before it, tools too,
will come again. It stands on the last entry of the history, which the next turn repeats; on the entry that was the last
one turn ago, so that what was kept then is found; and behind the system text, which other conversations share.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from cwproxy.codewhisperer import tokens, wire

_POINT: Final = wire.CachePoint(type="default")
_TURN: Final = 2
"""Entries that a turn adds to the history."""

_CHARACTERS_PER_TOKEN: Final = 8
"""No text has more: what is longer need not be looked at to know that it is long enough."""


class Caching(msgspec.Struct, frozen=True):
    """What a model takes: tokens that must stand before a point, and points per request."""

    minimum_tokens: int
    maximum_points: int


def marked(
    history: Sequence[wire.ChatMessage], tools: Sequence[wire.Tool], caching: Caching, *, has_system: bool
) -> list[wire.ChatMessage]:
    """The history with points on it, where enough stands before them by our estimate."""
    last = len(history) - 1
    wanted = [last, 1 if has_system else -1, last - _TURN]
    long_enough = _first_long_enough(history, tools, caching.minimum_tokens)
    places = [place for place in dict.fromkeys(wanted) if place >= long_enough][: caching.maximum_points]
    return [_with_point(message) if index in places else message for index, message in enumerate(history)]


def _first_long_enough(history: Sequence[wire.ChatMessage], tools: Sequence[wire.Tool], minimum: int) -> int:
    """The first entry that ends a prefix of at least `minimum` tokens; beyond the last when there is none."""
    longest = minimum * _CHARACTERS_PER_TOKEN
    total = 0.0
    for tool in tools:
        specification = tool.tool_specification
        total += tokens.weigh(specification.description[:longest])
        total += tokens.weigh(bytes(specification.input_schema.json)[:longest].decode("utf-8", "replace"))
        if total >= minimum:
            break
    for index, message in enumerate(history):
        total += sum(tokens.weigh(text[:longest]) for text in _texts(message))
        if total >= minimum:
            return index
    return len(history)


def _texts(message: wire.ChatMessage) -> Iterator[str]:
    asked, said = message.user_input_message, message.assistant_response_message
    if asked is not None:
        yield asked.content
        context = asked.user_input_message_context
        for result in (context.tool_results if context else None) or ():
            yield from (item.text for item in result.content if item.text is not None)
    if said is not None:
        yield said.content
        for use in said.tool_uses or ():
            yield bytes(use.input).decode("utf-8", "replace")


def _with_point(message: wire.ChatMessage) -> wire.ChatMessage:
    asked, said = message.user_input_message, message.assistant_response_message
    return wire.ChatMessage(
        user_input_message=asked and msgspec.structs.replace(asked, cache_point=_POINT),
        assistant_response_message=said and msgspec.structs.replace(said, cache_point=_POINT),
    )
