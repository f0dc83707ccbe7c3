"""Scripted turns: what the next chat calls answer, as explicit events or in shorthand.

A turn is JSON on the control plane; `parse_turn` reads it and says what is wrong with it.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, get_args

from cwproxy.simulator.options import TrailerStyle

Event = tuple[str, dict[str, Any]]
"""Event type and payload."""

_TURN_MEMBERS = frozenset({"events", "say", "reason", "call", "calls", "pieces", "pace", "latency", "trailer", "stop"})


class BadScript(ValueError):
    """The control plane was given a turn, a fault or an account that makes no sense; the message says what."""


@dataclass(frozen=True, slots=True)
class Turn:
    """events: without trailer. pace, latency, trailer: None takes the simulator's option. stop: stopReason, None
    derives it."""

    events: list[Event] = field(default_factory=list)
    pace: float | None = None
    latency: float | None = None
    trailer: TrailerStyle | None = None
    stop: str | None = None


def say(text: str, *, pieces: int = 3) -> list[Event]:
    """The text in that many assistantResponseEvents."""
    return [("assistantResponseEvent", {"content": piece}) for piece in _cut(text, pieces)]


def reason(text: str, *, pieces: int = 2, signature: str = "c2ltdWxhdGVk") -> list[Event]:
    """Text deltas, then the signature by itself (protocol.md 6.3)."""
    deltas: list[Event] = [("reasoningContentEvent", {"text": piece}) for piece in _cut(text, pieces)]
    return [*deltas, ("reasoningContentEvent", {"signature": signature})]


def call(name: str, arguments: object, *, pieces: int = 3, tool_use_id: str | None = None) -> list[Event]:
    """Start, fragments of the JSON text cut anywhere, stop (protocol.md 3.4). A string goes out as it is."""
    ids = {"toolUseId": tool_use_id or f"tooluse_{secrets.token_urlsafe(16)}", "name": name}
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    fragments: list[Event] = [("toolUseEvent", {**ids, "input": piece}) for piece in _cut(text, pieces)]
    return [("toolUseEvent", dict(ids)), *fragments, ("toolUseEvent", {**ids, "stop": True})]


def parse_turn(document: object) -> Turn:
    """`{"say": "text"}`, `{"reason": ...}`, `{"call": {"name": ..., "input": ...}}`, `{"calls": [...]}` in that order,
    or `{"events": [["type", {...}], ...]}`; plus `pieces`, `pace`, `latency`, `trailer` and `stop`."""
    if not isinstance(document, dict):
        raise BadScript("a turn is a JSON object")
    unknown = set(document) - _TURN_MEMBERS
    if unknown:
        raise BadScript(f"a turn has no member {sorted(unknown)[0]!r}")
    trailer = document.get("trailer")
    if trailer is not None and trailer not in get_args(TrailerStyle):
        raise BadScript(f"trailer is one of {', '.join(get_args(TrailerStyle))}")
    return Turn(
        events=_explicit(document["events"]) if "events" in document else _shorthand(document),
        pace=_seconds(document, "pace"),
        latency=_seconds(document, "latency"),
        trailer=trailer,
        stop=document.get("stop"),
    )


def _shorthand(document: dict[str, Any]) -> list[Event]:
    pieces = document.get("pieces", 3)
    if not isinstance(pieces, int) or pieces < 1:
        raise BadScript("pieces is a positive integer")
    events: list[Event] = []
    if "reason" in document:
        events += reason(str(document["reason"]), pieces=pieces)
    if "say" in document:
        events += say(str(document["say"]), pieces=pieces)
    calls = [document["call"]] if "call" in document else document.get("calls", [])
    for item in calls:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise BadScript("a call is an object with a name")
        events += call(item["name"], item.get("input", {}), pieces=pieces, tool_use_id=item.get("id"))
    return events


def _explicit(listing: object) -> list[Event]:
    if not isinstance(listing, list):
        raise BadScript("events is a list of [type, payload] pairs")
    events: list[Event] = []
    for item in listing:
        match item:
            case [str() as event_type, dict() as payload]:
                events.append((event_type, payload))
            case _:
                raise BadScript("an event is a pair of its type and its payload object")
    return events


def _seconds(document: dict[str, Any], name: str) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadScript(f"{name} is a number of seconds")
    return float(value)


def _cut(text: str, pieces: int) -> list[str]:
    """About equal parts, none of them empty; nothing for an empty text."""
    size = max(1, -(-len(text) // pieces))
    return [text[start : start + size] for start in range(0, len(text), size)]
