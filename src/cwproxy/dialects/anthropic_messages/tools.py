"""What a request says about tools: which are on offer, and whether one must be called (compatibility.md 2.2).

Tools may have OpenAI's shapes, too (compatibility.md 2.3). A deferred tool is kept from the model until a
`tool_reference` names it or the conversation has called it, as Anthropic does; where the search for such tools is one
of Anthropic's own, which cannot be served, all of them are shown.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.anthropic_messages.schema import Block, FunctionSpec, Message, Request, ToolChoiceObject, ToolSpec
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import offers
from cwproxy.inbound.decode import document
from cwproxy.inbound.offers import Wish

_PLACEHOLDER: Final = "DeferredToolPlaceholder"
"""Claude Code's own: it stands for tools that are not there."""

_CLIENT_TYPES: Final = (None, "custom", "function")
_WEB_SEARCH: Final = "web_search_"
_TOOL_SEARCH: Final = "tool_search_tool"


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools and the choice. foreign: kinds of tools that were left out. parallel: several calls are fine.
    search: there is no tool but the search of the web, so the request is one.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    foreign: tuple[str, ...] = ()
    parallel: bool = True
    search: bool = False


def offer(request: Request) -> Offer:
    """Raises InvalidRequest for a tool without a name, a schema that is no object, or an impossible choice."""
    specs = request.tools or ()
    foreign = [spec.type for spec in specs if spec.type and spec.type not in _CLIENT_TYPES]
    searched_elsewhere = any(kind.startswith(_TOOL_SEARCH) for kind in foreign)
    shown = None if searched_elsewhere else frozenset(_referred_to(request.messages or ()))
    tools = tuple(_tools(specs, shown))
    wish, parallel = _wish(request.tool_choice)
    if _names_foreign(wish, specs):
        wish = Wish(ToolChoice())
    search = bool(foreign) and not tools and all(kind.startswith(_WEB_SEARCH) for kind in foreign)
    left_out = () if search else offers.kinds(foreign)
    return Offer(offers.chosen(tools, wish, "tool_choice"), wish.choice, left_out, parallel, search)


def _names_foreign(wish: Wish, specs: Sequence[ToolSpec]) -> bool:
    """Whether a tool is forced that is not offered to the model; or any, and there are no others."""
    ours = {spec.name for spec in specs if spec.type in _CLIENT_TYPES}
    if wish.choice.mode != "required" or not specs:
        return False
    return not ours if wish.names is None else wish.names <= {spec.name for spec in specs} - ours


def _tools(specs: Sequence[ToolSpec], shown: Collection[str] | None) -> Iterator[Tool]:
    """shown: the deferred tools that the model may see, None for all."""
    for index, spec in enumerate(specs):
        path = f"tools[{index}]"
        if spec.type not in _CLIENT_TYPES:
            continue
        if spec.function is not None:
            function, schema_path = spec.function, f"{path}.function.parameters"
        else:
            member = "input_schema" if bytes(spec.input_schema) else "parameters"
            raw = spec.input_schema if member == "input_schema" else spec.parameters
            function, schema_path = FunctionSpec(spec.name, spec.description, raw), f"{path}.{member}"
        name = offers.name_of(function.name, path)
        if spec.defer_loading and (name == _PLACEHOLDER or (shown is not None and name not in shown)):
            continue
        yield Tool(name, function.description or "", document(bytes(function.parameters), schema_path))


def _referred_to(messages: Iterable[Message]) -> Iterator[str]:
    for message in messages:
        for block in _blocks(message.content):
            if block.type == "tool_use" and block.name:
                yield block.name
            elif block.type in ("tool_result", "tool_reference"):
                inner = [block, *_blocks(block.content)]
                yield from (each.tool_name for each in inner if each.type == "tool_reference" and each.tool_name)


def _blocks(content: object) -> Iterator[Block]:
    if isinstance(content, list):
        yield from (block for block in content if isinstance(block, Block))


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
