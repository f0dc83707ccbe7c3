"""What a request says about tools: which are on offer, and whether one must be called (compatibility.md 2.1).

Tools of a namespace are shown to the model by flat names; a call tells the namespace again. Items of the input may add
tools (`additional_tools`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_responses.items import Located, flat_name
from cwproxy.dialects.openai_responses.schema import (
    FunctionSpec,
    Grammar,
    Kind,
    Named,
    ToolChoiceObject,
    ToolReference,
    ToolSpec,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom, offers
from cwproxy.inbound.decode import document, member_decoder
from cwproxy.inbound.offers import Wish, chosen, name_of

_kind = member_decoder(Kind)
_spec = member_decoder(ToolSpec)


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools and the choice. custom: names of the tools that are custom ones. namespaces: the namespace and the
    client's name of each tool that has one. foreign: kinds of tools that were left out.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    custom: frozenset[str] = frozenset()
    namespaces: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    tools: dict[str, Tool] = field(default_factory=dict)
    custom: set[str] = field(default_factory=set)
    namespaces: dict[str, tuple[str, str]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    def read(self, tools: Iterable[Located], namespace: str | None = None) -> None:
        for path, raw in tools:
            match _kind(raw, path).type:
                case None | "function":
                    self._add(_function(_spec(raw, path), path), namespace)
                case "custom":
                    self._add_custom(_spec(raw, path), path, namespace)
                case "namespace" if namespace is None:
                    spec = _spec(raw, path)
                    inner = [(f"{path}.tools[{at}]", bytes(tool)) for at, tool in enumerate(spec.tools or ())]
                    self.read(inner, name_of(spec.name, path))
                case kind:
                    self.foreign.append(kind)

    def _add_custom(self, spec: ToolSpec, path: str, namespace: str | None) -> None:
        format = spec.format or Grammar()
        tool = custom.tool(name_of(spec.name, path), spec.description, format.definition, format.syntax)
        if (name := self._add(tool, namespace)) is not None:
            self.custom.add(name)

    def _add(self, tool: Tool, namespace: str | None) -> str | None:
        """Its flat name; None when there is one already, which counts as it does in the other dialects."""
        name = flat_name(namespace, tool.name)
        if name in self.tools:
            return None
        self.tools[name] = Tool(name, tool.description, tool.schema)
        if namespace is not None:
            self.namespaces[name] = (namespace, tool.name)
        return name


def offer(tools: Iterable[Located], choice: str | ToolChoiceObject | None) -> Offer:
    """Raises InvalidRequest for a tool without a name, a schema that is no object, or an impossible choice."""
    found = _Found()
    found.read(tools)
    wish = _wish(choice)
    return Offer(
        chosen(tuple(found.tools.values()), wish, "tool_choice"),
        wish.choice,
        frozenset(found.custom),
        found.namespaces,
        offers.kinds(found.foreign),
    )


def _function(spec: ToolSpec, path: str) -> Tool:
    if spec.function is not None:
        function, where = spec.function, f"{path}.function.parameters"
    else:
        member = "input_schema" if bytes(spec.input_schema) else "parameters"
        raw = spec.input_schema if member == "input_schema" else spec.parameters
        function, where = FunctionSpec(spec.name, spec.description, raw), f"{path}.{member}"
    schema = document(bytes(function.parameters), where)
    return Tool(name_of(function.name, path), function.description or "", schema)


def _wish(choice: str | ToolChoiceObject | None) -> Wish:
    if choice is None or isinstance(choice, str):
        return _mode(choice or "auto")
    if choice.type == "allowed_tools":
        names = frozenset(name for tool in choice.tools or () if (name := _name(tool)))
        return Wish(_mode(choice.mode or "auto").choice, names)
    name = _name(ToolReference(choice.name, choice.namespace, choice.function))
    return offers.named(name) if name else _mode(choice.type or "(none)")


def _name(reference: ToolReference) -> str | None:
    name = (reference.function or Named(reference.name)).name
    return flat_name(reference.namespace, name) if name else None


def _mode(mode: str) -> Wish:
    match mode:
        case "auto" | "none":
            return Wish(ToolChoice(mode))
        case "required" | "any":
            return Wish(ToolChoice("required"))
        case _:
            raise InvalidRequest(
                f"`tool_choice` is {mode[:40]!r}; use none, auto, required, or an object that names a tool.",
                param="tool_choice",
            )
