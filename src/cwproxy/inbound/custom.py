"""Custom tools, which take free text: the model is shown a function of one string (compatibility.md 3.2)."""

import json
import re
from typing import Final

import msgspec

from cwproxy.conversation import Tool

SCHEMA: Final = (
    b'{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool."}},'
    b'"required":["input"]}'
)
"""Of the function that stands for a custom tool."""

_GRAMMAR: Final = "{description}\n\nThe input must match this grammar ({syntax}):\n{definition}"

_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<wrong>))')


class _Arguments(msgspec.Struct):
    input: str


def tool(name: str, description: str | None, grammar: str | None = None, syntax: str | None = None) -> Tool:
    """The function; it is told of the grammar, where there is one."""
    told = description or ""
    if grammar:
        told = _GRAMMAR.format(description=told, syntax=syntax or "lark", definition=grammar).strip()
    return Tool(name, told, SCHEMA)


def wrapped(text: str) -> str:
    """The arguments of a call that a client gives back."""
    return msgspec.json.encode(_Arguments(text)).decode()


def unwrapped(arguments: str) -> str:
    """What the model gave the tool: `input` of the function's arguments, or all of them when it wrote others.

    Models write JSON that is slightly wrong, in patches above all: line breaks as they are, half of an emoji (which
    becomes U+FFFD), a backslash that escapes nothing (which stands for itself).
    """
    try:
        return msgspec.json.decode(arguments, type=_Arguments).input
    except ValueError:
        found = _leniently(arguments)
        return arguments if found is None else found


def _leniently(arguments: str) -> str | None:
    try:
        members: object = json.loads(_ESCAPE.sub(_mended, arguments), strict=False)
    except (ValueError, RecursionError):
        return None
    text = members.get("input") if isinstance(members, dict) else None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(text, str) else None


def _mended(escape: re.Match[str]) -> str:
    return escape[0] if escape["wrong"] is None else "\\\\"
