"""What a request says about tools: which are on offer, and whether one must be called (compatibility.md 2.1).

Tools of a namespace are shown to the model by flat names; a call tells the namespace again. Items of the input may add
tools (`additional_tools`), or define them anew.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, count

import msgspec

from cwproxy.conversation import Tool, ToolChoice
from cwproxy.dialects.openai_responses.items import Located, ToolName, flat_name
from cwproxy.dialects.openai_responses.schema import (
    FunctionSpec,
    Grammar,
    Kind,
    Named,
    ToolChoiceObject,
    ToolSpec,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom, offers
from cwproxy.inbound.decode import document, member_decoder
from cwproxy.inbound.offers import Wish, chosen, name_of

_kind = member_decoder(Kind)
_spec = member_decoder(ToolSpec)


class Offer(msgspec.Struct, frozen=True):
    """The tools and the choice. custom: names of the tools that are custom ones. names: what the client calls the tools
    that the model is shown by another name. foreign: kinds of tools that were left out. whole: the choice names none of
    those.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    custom: frozenset[str] = frozenset()
    names: Mapping[str, ToolName] = msgspec.field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    whole: bool = True


class _Found(msgspec.Struct):
    """By their flat names, each of which is one tool's only, whatever clients call theirs. lost: kinds of those that
    have the name of another.
    """

    tools: dict[str, Tool] = msgspec.field(default_factory=dict)
    custom: set[str] = msgspec.field(default_factory=set)
    flat: dict[ToolName, str] = msgspec.field(default_factory=dict)
    foreign: list[str] = msgspec.field(default_factory=list)
    lost: list[str] = msgspec.field(default_factory=list)
    _came: dict[str, int] = msgspec.field(default_factory=dict)

    def read(self, tools: Iterable[Located], source: int = 0, namespace: str | None = None) -> None:
        """source: 0 for the request itself, and the number of the item that adds them."""
        for path, raw in tools:
            match _kind(raw, path).type:
                case None | "function":
                    self._add(_function(_spec(raw, path), path), source, namespace)
                case "custom":
                    self._add(_custom(_spec(raw, path), path), source, namespace, free=True)
                case "namespace" if namespace is None:
                    spec = _spec(raw, path)
                    inner = [(f"{path}.tools[{at}]", bytes(tool)) for at, tool in enumerate(spec.tools or ())]
                    self.read(inner, source, name_of(spec.name, path))
                case kind:
                    self.foreign.append(kind)

    def is_foreign(self, type: str | None) -> bool:
        """Whether tools of this kind were left out."""
        return type is not None and not {*offers.kinds([type])}.isdisjoint(offers.kinds(self.foreign))

    def called(self, namespace: str | None, name: str) -> str:
        """What the model calls a tool."""
        return self.flat.get((namespace or None, name)) or flat_name(namespace, name)

    def _add(self, tool: Tool, source: int, namespace: str | None, *, free: bool = False) -> None:
        """A later item defines a tool anew. Otherwise the first counts, as it does in the other dialects."""
        own = (namespace, tool.name)
        name = self.flat.get(own)
        if name is None:
            name = self.flat[own] = self._unused(flat_name(namespace, tool.name))
        elif not 0 < self._came[name] < source:
            if free != (name in self.custom):
                self.lost.append("custom" if free else "function")
            return
        self._came[name] = source
        self.tools[name] = Tool(name, tool.description, tool.schema)
        (self.custom.add if free else self.custom.discard)(name)

    def _unused(self, name: str) -> str:
        numbered = (f"{name}_{number}" for number in count(2))
        return next(found for found in chain([name], numbered) if found not in self.tools)


def offer(
    tools: Iterable[Located], choice: str | ToolChoiceObject | None, added: Iterable[Iterable[Located]] = ()
) -> Offer:
    """added: by items, the earliest first. Raises InvalidRequest for a tool without a name, a schema that is no object,
    or an impossible choice.
    """
    found = _Found()
    found.read(tools)
    for number, more in enumerate(added, 1):
        found.read(more, number)
    wish, whole = _wish(choice, found)
    return Offer(
        chosen(tuple(found.tools.values()), wish, "tool_choice"),
        wish.choice,
        frozenset(found.custom),
        {flat: own for own, flat in found.flat.items() if own != (None, flat)},
        offers.kinds([*found.foreign, *found.lost]),
        whole,
    )


def _custom(spec: ToolSpec, path: str) -> Tool:
    format = spec.format or Grammar()
    return custom.tool(name_of(spec.name, path), spec.description, format.definition, format.syntax)


def _function(spec: ToolSpec, path: str) -> Tool:
    if spec.function is not None:
        function, where = spec.function, f"{path}.function.parameters"
    else:
        member = "input_schema" if bytes(spec.input_schema) else "parameters"
        raw = spec.input_schema if member == "input_schema" else spec.parameters
        function, where = FunctionSpec(spec.name, spec.description, raw), f"{path}.{member}"
    schema = document(bytes(function.parameters), where)
    return Tool(name_of(function.name, path), function.description or "", schema)


def _wish(choice: str | ToolChoiceObject | None, found: _Found) -> tuple[Wish, bool]:
    """The choice among the tools that are here, and whether that is all it asks for."""
    if choice is None or isinstance(choice, str):
        return _mode(choice or "auto"), True
    if choice.type == "allowed_tools":
        return _allowed(choice, found)
    if found.is_foreign(choice.type):
        return Wish(ToolChoice()), False
    name = _name(choice.name, choice.namespace, choice.function, found)
    return (offers.named(name) if name else _mode(choice.type or "(none)")), True


def _allowed(choice: ToolChoiceObject, found: _Found) -> tuple[Wish, bool]:
    here = [tool for tool in choice.tools or () if not found.is_foreign(tool.type)]
    given = (_name(tool.name, tool.namespace, tool.function, found) for tool in here)
    names = frozenset(name for name in given if name)
    mode = _mode(choice.mode or "auto").choice
    whole = len(here) == len(choice.tools or ())
    return Wish(mode if names or whole else ToolChoice(), names), whole


def _name(name: str | None, namespace: str | None, function: Named | None, found: _Found) -> str | None:
    own = (function or Named(name)).name
    return found.called(namespace, own) if own else None


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
