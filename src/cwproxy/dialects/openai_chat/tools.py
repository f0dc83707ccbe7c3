"""What a request says about tools: which are on offer, and whether one must be called.

Tools may be nested, flat or Anthropic-shaped on this endpoint (compatibility.md 2.3); types that only OpenAI can
serve (`web_search`, ...) are left out. A named or allowed choice narrows the offer (compatibility.md 3.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_chat.decode import document
from cwproxy.dialects.openai_chat.schema import (
    AllowedTools,
    FunctionSpec,
    Named,
    Request,
    ToolChoiceObject,
    ToolReference,
    ToolSpec,
)
from cwproxy.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools and the choice; `legacy` when they came as `functions`, so that the answer uses `function_call`."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    legacy: bool


def offer(request: Request) -> Offer:
    """Raises InvalidRequest for a tool without a name, a schema that is no object, or an impossible choice."""
    if request.tools is None and request.functions is not None:
        tools = tuple(
            _tool(spec, f"functions[{i}]", f"functions[{i}].parameters") for i, spec in enumerate(request.functions)
        )
        return _choose(tools, _legacy_choice(request.function_call), "function_call", legacy=True)
    tools = tuple(_tools(request.tools or ()))
    return _choose(tools, _choice(request.tool_choice), "tool_choice", legacy=False)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A choice before it is held against the tools: `names` limits the offer, None does not."""

    choice: ToolChoice
    names: frozenset[str] | None = None


def _tools(specs: Sequence[ToolSpec]) -> Iterable[Tool]:
    for index, spec in enumerate(specs):
        path = f"tools[{index}]"
        if spec.function is not None:
            yield _tool(spec.function, f"{path}.function", f"{path}.function.parameters")
        elif spec.type in (None, "function") and (spec.name or spec.type == "function"):
            member = "input_schema" if bytes(spec.input_schema) else "parameters"
            raw = spec.input_schema if member == "input_schema" else spec.parameters
            yield _tool(FunctionSpec(spec.name, spec.description, raw), path, f"{path}.{member}")


def _tool(spec: FunctionSpec, path: str, schema_path: str) -> Tool:
    if not spec.name:
        raise InvalidRequest(f"`{path}.name` is missing.", param=f"{path}.name", code="missing_required_parameter")
    return Tool(spec.name, spec.description or "", document(bytes(spec.parameters), schema_path))


def _choose(tools: tuple[Tool, ...], wish: _Wish, param: str, *, legacy: bool) -> Offer:
    if wish.names is not None:
        offered = {tool.name for tool in tools}
        for name in sorted(wish.names - offered):
            raise InvalidRequest(f"`{param}` names the tool {name!r}, which is not among the tools.", param=param)
        tools = tuple(tool for tool in tools if tool.name in wish.names)
    if wish.choice.mode == "required" and not tools:
        raise InvalidRequest(f"`{param}` asks for a tool call, but the request offers no tool.", param=param)
    return Offer(tools, wish.choice, legacy)


def _legacy_choice(choice: str | Named | None) -> _Wish:
    match choice:
        case None | "auto":
            return _Wish(ToolChoice())
        case "none":
            return _Wish(ToolChoice("none"))
        case Named(name=str() as name):
            return _named(name)
        case _:
            raise InvalidRequest("`function_call` must be none, auto or {'name': ...}.", param="function_call")


def _choice(choice: str | ToolChoiceObject | None) -> _Wish:
    if choice is None or isinstance(choice, str):
        return _mode(choice or "auto")
    if choice.type == "allowed_tools":
        return _allowed(choice.allowed_tools or AllowedTools(choice.mode, choice.tools))
    name = _name(ToolReference(choice.function, choice.custom, choice.name))
    return _named(name) if name else _mode(choice.type or "(none)")


def _mode(mode: str) -> _Wish:
    match mode:
        case "auto" | "none":
            return _Wish(ToolChoice(mode))
        case "required" | "any":
            return _Wish(ToolChoice("required"))
        case _:
            raise InvalidRequest(
                f"`tool_choice` is {mode[:40]!r}; use none, auto, required, or an object that names a function.",
                param="tool_choice",
            )


def _named(name: str) -> _Wish:
    return _Wish(ToolChoice("required", name), frozenset({name}))


def _allowed(allowed: AllowedTools) -> _Wish:
    names = frozenset(name for tool in allowed.tools or () if (name := _name(tool)))
    return _Wish(_mode(allowed.mode or "auto").choice, names)


def _name(reference: ToolReference) -> str | None:
    nested = reference.function or reference.custom
    return nested.name if nested is not None else reference.name
