"""What the simulated model reads in the last user turn: the person's own words, the markers, the proxy's sentences.

The sentences are those of `codewhisperer.wire`; wherever they stand, they are recognised and taken out. The markers are
those of compatibility.md 4.2, and STUBTHINK and STUBTOOLS.
"""

import re
from dataclasses import dataclass
from typing import Any

from cwproxy.codewhisperer import wire
from cwproxy.simulator.rules.document import NotStrictJson, parse_leading

_FORCE_NAMED = re.compile(re.escape(wire.FORCE_NAMED_TOOL).replace(re.escape("{name}"), '(?P<name>[^"]*)'))
_SCHEMA_OPENING = wire.JSON_SCHEMA_ONLY.partition("{schema}")[0]
_FAIL = re.compile(r"STUBERR\s+([45]\d\d)\b")
_CALLS = re.compile(r"STUBTOOLS\s+(\d{1,2})\b")
_SAY = re.compile(r"STUBSAY\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Prompt:
    """`text` is without sentences and markers. `schema` counts only with `wants_json`; without one, any object will do.

    `fail_status` is an HTTP status from 400 to 599; `calls` is the number of tool calls wanted, one if nothing is said.
    """

    text: str
    say: str | None = None
    fail_status: int | None = None
    breaks: bool = False
    thinks: bool = False
    calls: int = 1
    is_forced: bool = False
    forced_name: str | None = None
    is_forbidden: bool = False
    wants_json: bool = False
    schema: Any = None


def read(content: str) -> Prompt:
    content, wants_schema, schema = _without_schema(content)
    content, wants_json = _without(content, wire.JSON_ONLY)
    content, is_forbidden = _without(content, wire.FORBID_TOOLS)
    content, is_forced = _without(content, wire.FORCE_ANY_TOOL)
    named = _FORCE_NAMED.search(content)
    failure, calls = _FAIL.search(content), _CALLS.search(content)
    for pattern in (_FORCE_NAMED, _FAIL, _CALLS):
        content = pattern.sub("", content)
    content, breaks = _without(content, "STUBMIDERR")
    content, thinks = _without(content, "STUBTHINK")
    say = _SAY.search(content)
    return Prompt(
        text=content.strip() if say is None else say[1].strip(),
        say=None if say is None else say[1].strip(),
        fail_status=None if failure is None else int(failure[1]),
        breaks=breaks,
        thinks=thinks,
        calls=1 if calls is None else max(1, int(calls[1])),
        is_forced=is_forced or named is not None,
        forced_name=None if named is None else named["name"],
        is_forbidden=is_forbidden,
        wants_json=wants_json or wants_schema,
        schema=schema,
    )


def _without(content: str, part: str) -> tuple[str, bool]:
    return content.replace(part, ""), part in content


def _without_schema(content: str) -> tuple[str, bool, Any]:
    """A schema that is not JSON is left to be read as prose, and any object will do."""
    before, opening, after = content.partition(_SCHEMA_OPENING)
    if not opening:
        return content, False, None
    try:
        schema, end = parse_leading(after)
    except NotStrictJson:
        return before + after, True, None
    return before + after[end:], True, schema
