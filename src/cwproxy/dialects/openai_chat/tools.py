"""What a request says about tools: which are on offer, and whether one must be called.

Tools may be nested, flat or Anthropic-shaped on this endpoint (compatibility.md 2.3); a custom tool becomes a function
of one string. What is done with them is `inbound.offers`'s.
"""

from collections.abc import Sequence

import msgspec

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_chat.schema import (
    AllowedTools,
    CustomSpec,
    FunctionSpec,
    Grammar,
    Named,
    Request,
    ToolChoiceObject,
    ToolReference,
    ToolSpec,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom as custom_tools
from cwproxy.inbound import offers
from cwproxy.inbound.decode import document
from cwproxy.inbound.offers import Wish, chosen, name_of


class Offer(msgspec.Struct, frozen=True):
    """The tools and the choice; `legacy` when they came as `functions`, so that the answer uses `function_call`.

    custom: names of the tools that are custom ones. foreign: kinds of tools that were left out.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    legacy: bool = False
    custom: frozenset[str] = frozenset()
    foreign: tuple[str, ...] = ()


def offer(request: Request) -> Offer:
    """Raises InvalidRequest for a tool without a name, a schema that is no object, or an impossible choice."""
    if request.tools is None and request.functions is not None:
        tools = tuple(
            _tool(spec, f"functions[{i}]", f"functions[{i}].parameters") for i, spec in enumerate(request.functions)
        )
        choice = _legacy_choice(request.function_call)
        return Offer(chosen(tools, choice, "function_call"), choice.choice, legacy=True)
    found = _found(request.tools or ())
    choice = _choice(request.tool_choice)
    return Offer(
        chosen(tuple(found.tools), choice, "tool_choice"),
        choice.choice,
        custom=frozenset(found.custom),
        foreign=offers.kinds(found.foreign),
    )


class _Found(msgspec.Struct):
    tools: list[Tool] = msgspec.field(default_factory=list)
    custom: list[str] = msgspec.field(default_factory=list)
    foreign: list[str] = msgspec.field(default_factory=list)


def _found(specs: Sequence[ToolSpec]) -> _Found:
    found = _Found()
    for index, spec in enumerate(specs):
        path = f"tools[{index}]"
        member = "input_schema" if bytes(spec.input_schema) else "parameters"
        if spec.function is not None:
            found.tools.append(_tool(spec.function, f"{path}.function", f"{path}.function.parameters"))
        elif spec.custom is not None or (spec.type == "custom" and member == "parameters"):
            tool = _custom_tool(spec, path)
            found.tools.append(tool)
            found.custom.append(tool.name)
        elif spec.type in (None, "function", "custom") and (spec.name or spec.type):
            raw = spec.input_schema if member == "input_schema" else spec.parameters
            found.tools.append(_tool(FunctionSpec(spec.name, spec.description, raw), path, f"{path}.{member}"))
        elif spec.type:
            found.foreign.append(spec.type)
    return found


def _custom_tool(spec: ToolSpec, path: str) -> Tool:
    custom = spec.custom or CustomSpec(spec.name, spec.description, spec.format)
    name = name_of(custom.name, f"{path}.custom" if spec.custom is not None else path)
    format = custom.format or Grammar()
    grammar = format.grammar or format
    return custom_tools.tool(name, custom.description, grammar.definition, grammar.syntax)


def _tool(spec: FunctionSpec, path: str, schema_path: str) -> Tool:
    return Tool(name_of(spec.name, path), spec.description or "", document(bytes(spec.parameters), schema_path))


def _legacy_choice(choice: str | Named | None) -> Wish:
    match choice:
        case None | "auto":
            return Wish(ToolChoice())
        case "none":
            return Wish(ToolChoice("none"))
        case Named(name=str() as name):
            return offers.named(name)
        case _:
            raise InvalidRequest("`function_call` must be none, auto or {'name': ...}.", param="function_call")


def _choice(choice: str | ToolChoiceObject | None) -> Wish:
    if choice is None or isinstance(choice, str):
        return _mode(choice or "auto")
    if choice.type == "allowed_tools":
        return _allowed(choice.allowed_tools or AllowedTools(choice.mode, choice.tools))
    name = _name(ToolReference(choice.function, choice.custom, choice.name))
    return offers.named(name) if name else _mode(choice.type or "(none)")


def _mode(mode: str) -> Wish:
    match mode:
        case "auto" | "none":
            return Wish(ToolChoice(mode))
        case "required" | "any":
            return Wish(ToolChoice("required"))
        case _:
            raise InvalidRequest(
                f"`tool_choice` is {mode[:40]!r}; use none, auto, required, or an object that names a function.",
                param="tool_choice",
            )


def _allowed(allowed: AllowedTools) -> Wish:
    names = frozenset(name for tool in allowed.tools or () if (name := _name(tool)))
    return Wish(_mode(allowed.mode or "auto").choice, names)


def _name(reference: ToolReference) -> str | None:
    nested = reference.function or reference.custom
    return nested.name if nested is not None else reference.name
