"""Custom tools, which take free text: the model is shown a function of one string (compatibility.md 3.2)."""

from typing import Final

import msgspec

from cwproxy.conversation import Tool

SCHEMA: Final = (
    b'{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool."}},'
    b'"required":["input"]}'
)
"""Of the function that stands for a custom tool."""

_GRAMMAR: Final = "{description}\n\nThe input must match this grammar ({syntax}):\n{definition}"


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
    """What the model gave the tool: `input` of the function's arguments, or all of them when it wrote others."""
    try:
        return msgspec.json.decode(arguments, type=_Arguments).input
    except msgspec.DecodeError:
        return arguments
