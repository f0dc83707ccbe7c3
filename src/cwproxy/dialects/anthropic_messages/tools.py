"""What a request says about tools: which are on offer, and whether one must be called (compatibility.md 2.2).

Tools may have OpenAI's shapes, too (compatibility.md 2.3). A deferred tool is kept from the model until a
`tool_reference` names it or the conversation has called it, as Anthropic does; where the search for such tools is one
of Anthropic's own, which cannot be served, all of them are shown. Messages may add and remove tools; what holds at the
end of the conversation is what is on offer.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.anthropic_messages.blocks import change_of
from cwproxy.dialects.anthropic_messages.schema import (
    CLIENT_TYPES,
    Block,
    FunctionSpec,
    Message,
    Request,
    ToolChoiceObject,
    ToolSpec,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import offers
from cwproxy.inbound.decode import document
from cwproxy.inbound.offers import Wish

_PLACEHOLDER: Final = "DeferredToolPlaceholder"
"""Claude Code's own: it stands for tools that are not there."""

_WEB_SEARCH: Final = "web_search_"
_TOOL_SEARCH: Final = "tool_search_tool"


class Offer(msgspec.Struct, frozen=True):
    """The tools and the choice. foreign: kinds of tools that were left out. parallel: several calls are fine.
    search: the search of the web where there is no other tool, so that the request is one. unforced: the choice was of
    a tool that is left out, so it has no effect.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    foreign: tuple[str, ...] = ()
    parallel: bool = True
    search: ToolSpec | None = None
    unforced: bool = False


class _Changes(msgspec.Struct):
    """What messages say about tools. named: by a reference, or a call. defined: with the path of each."""

    named: set[str] = msgspec.field(default_factory=set)
    removed: set[str] = msgspec.field(default_factory=set)
    defined: dict[str, tuple[str, ToolSpec]] = msgspec.field(default_factory=dict)

    def apply(self, block: Block, path: str) -> None:
        tool = change_of(block)
        if tool is None or tool.name is None:
            return
        name = tool.name
        if block.type == "tool_removal":
            self.removed.add(name)
            return
        self.removed.discard(name)
        self.named.add(name)
        if tool.definition is not None:
            place = "definition" if block.tool is None else "tool.definition"
            self.defined[name] = f"{path}.{place}", tool.definition


def offer(request: Request) -> Offer:
    """Raises InvalidRequest for a tool without a name, a schema that is no object, or an impossible choice."""
    changes = _changes(request.messages or ())
    given = [(f"tools[{index}]", spec) for index, spec in enumerate(request.tools or ())]
    kept = [each for each in given if each[1].name not in changes.defined]
    placed = [each for each in (*kept, *changes.defined.values()) if each[1].name not in changes.removed]
    specs = [spec for _, spec in placed]
    foreign = [spec.type for spec in specs if spec.type and spec.type not in CLIENT_TYPES]
    searched_elsewhere = any(kind.startswith(_TOOL_SEARCH) for kind in foreign)
    tools = tuple(_tools(placed, changes, all_shown=searched_elsewhere))
    wish, parallel = _wish(request.tool_choice)
    alone = bool(foreign) and not tools and all(kind.startswith(_WEB_SEARCH) for kind in foreign)
    unforced = _names_foreign(wish, specs)
    if unforced:
        wish = Wish(ToolChoice())
    tools, forbidden = offers.chosen(tools, wish, "tool_choice"), wish.choice.mode == "none"
    if not alone or forbidden:
        return Offer(tools, wish.choice, () if alone else offers.kinds(foreign), parallel, unforced=unforced)
    search = next(spec for spec in specs if (spec.type or "").startswith(_WEB_SEARCH))
    return Offer(tools, wish.choice, (), parallel, search)


def _names_foreign(wish: Wish, specs: Sequence[ToolSpec]) -> bool:
    """Whether a tool is forced that is not offered to the model; or any, and there are no others."""
    ours = {spec.name for spec in specs if spec.type in CLIENT_TYPES}
    if wish.choice.mode != "required" or not specs:
        return False
    return not ours if wish.names is None else wish.names <= {spec.name for spec in specs} - ours


def _tools(placed: Iterable[tuple[str, ToolSpec]], changes: _Changes, *, all_shown: bool) -> Iterator[Tool]:
    """all_shown: the deferred tools, too."""
    for path, spec in placed:
        if spec.type not in CLIENT_TYPES:
            continue
        if spec.function is not None:
            function, schema_path = spec.function, f"{path}.function.parameters"
        else:
            member = "input_schema" if bytes(spec.input_schema) else "parameters"
            raw = spec.input_schema if member == "input_schema" else spec.parameters
            function, schema_path = FunctionSpec(spec.name, spec.description, raw), f"{path}.{member}"
        name = offers.name_of(function.name, path)
        if spec.defer_loading and (name == _PLACEHOLDER or not (all_shown or name in changes.named)):
            continue
        yield Tool(name, function.description or "", document(bytes(function.parameters), schema_path))


def _changes(messages: Sequence[Message]) -> _Changes:
    changes = _Changes()
    for number, message in enumerate(messages):
        for index, block in enumerate(_blocks(message.content)):
            if block.type == "tool_use" and block.name:
                changes.named.add(block.name)
            elif block.type in ("tool_result", "tool_reference"):
                inner = [block, *_blocks(block.content)]
                changes.named |= {each.tool_name for each in inner if each.type == "tool_reference" and each.tool_name}
            if block.tool is None and block.definition is None and block.tool_changes is None:
                continue
            path = f"messages[{number}].content[{index}]"
            changes.apply(block, path)
            for place, each in enumerate(block.tool_changes or ()):  # what held before a compaction
                changes.apply(each, f"{path}.tool_changes[{place}]")
    return changes


def _blocks(content: object) -> Iterator[Block]:
    if isinstance(content, Block):
        yield content
    elif isinstance(content, list):
        yield from (block if isinstance(block, Block) else Block("text") for block in content)


def _wish(choice: str | ToolChoiceObject | None) -> tuple[Wish, bool]:
    if choice is None or isinstance(choice, str):
        choice = ToolChoiceObject(choice or "auto")
    parallel = choice.disable_parallel_tool_use is not True
    match choice.type:
        case "auto" | "none":
            return Wish(ToolChoice(choice.type)), parallel
        case "any" | "required":
            return Wish(ToolChoice("required")), parallel
        case "tool" if choice.name:
            return offers.named(choice.name), parallel
        case _:
            raise InvalidRequest(
                "`tool_choice` must be {'type': 'auto'}, {'type': 'any'}, {'type': 'none'} "
                "or {'type': 'tool', 'name': ...}.",
                param="tool_choice",
            )
