"""What a request says about tools, once the dialect has read it: which may be called, and what they are named in notes.

A named or allowed choice narrows the offer (compatibility.md 3.2); tools that only their vendor can serve
(`web_search`, ...) are left out and named.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.errors import InvalidRequest

MAX_FOREIGN: Final = 16
"""Kinds of tools that are named: they go into a header."""

_EDITION: Final = re.compile(r"(_preview)?(_\d{4}_?\d\d_?\d\d)?$")
_TYPE: Final = re.compile(r"[a-z0-9_]{1,40}")


class Wish(msgspec.Struct, frozen=True):
    """A choice before it is held against the tools: `names` limits the offer, None does not."""

    choice: ToolChoice
    names: frozenset[str] | None = None


def named(name: str) -> Wish:
    return Wish(ToolChoice("required", name), frozenset({name}))


def chosen(tools: tuple[Tool, ...], wish: Wish, param: str) -> tuple[Tool, ...]:
    """The tools that may be called. Raises InvalidRequest for a name that is none of them, and for a call of none."""
    if wish.names is not None:
        offered = {tool.name for tool in tools}
        for name in sorted(wish.names - offered):
            raise InvalidRequest(f"`{param}` names the tool {name!r}, which is not among the tools.", param=param)
        tools = tuple(tool for tool in tools if tool.name in wish.names)
    if wish.choice.mode == "required" and not tools:
        raise InvalidRequest(f"`{param}` asks for a tool call, but the request offers no tool.", param=param)
    return tools


def name_of(name: str | None, path: str) -> str:
    """Raises InvalidRequest for a tool without a name."""
    if not name:
        raise InvalidRequest(f"`{path}.name` is missing.", param=f"{path}.name", code="missing_required_parameter")
    return name


def kinds(types: Iterable[str]) -> tuple[str, ...]:
    """The tools that are left out, for a note: each kind once, held short because it goes into a header."""
    return tuple(dict.fromkeys(map(_kind, types)))[:MAX_FOREIGN]


def _kind(type: str) -> str:
    """Without its edition (`web_search_preview`, `web_search_20250305`)."""
    name = _EDITION.sub("", type)
    return name if _TYPE.fullmatch(name) else "unknown"
