"""Which tools are declared to the backend, and under which names.

Names on the wire match `[A-Za-z][A-Za-z0-9_-]{0,63}`. A name that does not is replaced by a readable prefix and a hash
of the whole name, so that it stays the same from turn to turn; `Plan` has the way back (backend-rules.md A3 28-31).
Whether the tool history stays a tool history is decided here too (architecture, decided point 7).
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from cwproxy.codewhisperer import schemas, wire
from cwproxy.conversation import Conversation, Tool
from cwproxy.errors import InvalidRequest

MAX_NAME_LENGTH: Final = 64

MAX_DESCRIPTION_BYTES: Final = 10_000
"""The backend's limit is 10 240 bytes (backend-rules.md A3 31)."""

MAX_SCHEMAS_LENGTH: Final = 32 * 1024 * 1024
"""Characters of all schemas together, references put in place: more than any body that the backend takes (A5 58)."""

_HASH_LENGTH: Final = 8
_LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ILLEGAL_CHARACTER = re.compile(r"[^A-Za-z0-9_-]")
_STUB_SCHEMA = wire.InputSchema(json=msgspec.Raw(b'{"type":"object","properties":{}}'))


class Plan(msgspec.Struct, frozen=True):
    """What a request says about tools.

    specifications: empty when none are declared; then the tool history has to become text.
    wire_names: by the client's name, for every tool that is declared.
    descriptions: the parts of descriptions that did not fit, for the system text.
    instruction: a sentence for the end of the last user text, or None.
    """

    specifications: list[wire.Tool]
    wire_names: Mapping[str, str]
    descriptions: list[str]
    instruction: str | None

    @property
    def client_names(self) -> dict[str, str]:
        """The client's name of each declared tool, by its name on the wire."""
        return {wire_name: name for name, wire_name in self.wire_names.items()}


def plan(conversation: Conversation, used: Iterable[str]) -> Plan:
    """The tools of a request. `used` are the names of the calls in its history.

    Raises InvalidRequest for a schema that cannot be used and for a choice that cannot be met.
    """
    choice, used = conversation.tool_choice, dict.fromkeys(used)
    offered = {tool.name: (index, tool) for index, tool in reversed(list(enumerate(conversation.tools)))}
    if choice.mode == "required" and (choice.name not in offered if choice.name is not None else not offered):
        raise InvalidRequest("The tool choice forces a tool that is not among the tools.", param="tool_choice")
    if choice.mode == "none" or not offered:
        return Plan([], {}, [], wire.FORBID_TOOLS if used and offered else None)
    declared = dict.fromkeys(tool.name for tool in conversation.tools)
    if choice.mode == "required" and choice.name is not None:
        declared = {choice.name: None}
    wire_names = _wire_names([*declared, *used])
    specifications, descriptions = [], []
    room = MAX_SCHEMAS_LENGTH
    for name, wire_name in wire_names.items():
        if name in offered:
            specification, rest = _specification(*offered[name], wire_name)
            descriptions += [wire.TOOL_DESCRIPTION_REST.format(name=wire_name, rest=rest)] if rest else []
        else:
            specification = wire.ToolSpecification(
                name=wire_name, description=wire.STUB_TOOL_DESCRIPTION, input_schema=_STUB_SCHEMA
            )
        specifications.append(wire.Tool(tool_specification=specification))
        room -= len(bytes(specification.input_schema.json))
        if room < 0:
            raise InvalidRequest("The schemas of the tools are too long together.", param="tools")
    instruction = None
    if choice.mode == "required":
        instruction = wire.FORCE_ANY_TOOL
        if choice.name is not None:
            instruction = wire.FORCE_NAMED_TOOL.format(name=wire_names[choice.name])
    return Plan(specifications, wire_names, descriptions, instruction)


def _specification(index: int, tool: Tool, wire_name: str) -> tuple[wire.ToolSpecification, str]:
    try:
        schema = schemas.clean(tool.schema)
    except schemas.UnusableSchema as error:
        raise InvalidRequest(f"The schema of tool {tool.name[:64]!r} {error}.", param=f"tools[{index}]") from error
    description, rest = _split(tool.description if tool.description.strip() else tool.name.strip() or wire_name)
    specification = wire.ToolSpecification(
        name=wire_name, description=description, input_schema=wire.InputSchema(json=schema)
    )
    return specification, rest


def _split(description: str) -> tuple[str, str]:
    """The description as far as it fits, and the rest. Cut between characters."""
    if len(description) * 4 <= MAX_DESCRIPTION_BYTES:
        return description, ""
    fits = description.encode()[:MAX_DESCRIPTION_BYTES].decode(errors="ignore")
    return fits, description[len(fits) :]


def _wire_names(names: Iterable[str]) -> dict[str, str]:
    """A name on the wire for each name, all different. Legal names keep theirs, so they are served first."""
    chosen = dict.fromkeys(names, "")
    taken = set()
    for name in chosen:
        if _LEGAL.fullmatch(name):
            chosen[name] = name
            taken.add(name)
    for name, wire_name in chosen.items():
        if not wire_name:
            chosen[name] = _mangled(name, taken)
            taken.add(chosen[name])
    return chosen


def _mangled(name: str, taken: set[str]) -> str:
    readable = _ILLEGAL_CHARACTER.sub("_", name)
    if not _LEGAL.match(readable):
        readable = f"tool_{readable}"
    digest, length = sha256(name.encode("utf-8", "replace")).hexdigest(), _HASH_LENGTH
    while True:
        candidate = f"{readable[: MAX_NAME_LENGTH - 1 - length]}_{digest[:length]}"
        if candidate not in taken:
            return candidate
        length += 1
