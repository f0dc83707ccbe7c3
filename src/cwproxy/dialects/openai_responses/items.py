"""Items of a request, of this one or an earlier one -> turns of a `Conversation` (compatibility.md 2.1).

What the model said and called in one go becomes one turn, and so do the results of its calls. Items that only
OpenAI's servers can have made (web searches, compactions, ...) and unknown ones are left out and named, because
clients send new ones before anybody knows them; an item that is named and not kept is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec

from cwproxy.conversation import (
    AssistantPart,
    AssistantTurn,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)
from cwproxy.dialects.openai_responses import parts
from cwproxy.dialects.openai_responses.parts import present
from cwproxy.dialects.openai_responses.schema import (
    AgentItem,
    CallItem,
    Kind,
    MessageItem,
    OutputItem,
    ReasoningItem,
    ReferenceItem,
    ToolsItem,
)
from cwproxy.dialects.openai_responses.thoughts import opened
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom
from cwproxy.inbound.decode import arguments, member_decoder

Located: TypeAlias = tuple[str, bytes]
"""A member's path in the request, and its JSON text."""


class Item(NamedTuple):
    """An item's path in the request, its JSON text, and its type, also where that need not be said."""

    path: str
    raw: bytes
    kind: str


_kind = member_decoder(Kind)
_message = member_decoder(MessageItem)
_agent = member_decoder(AgentItem)
_call = member_decoder(CallItem)
_output = member_decoder(OutputItem)
_reasoning = member_decoder(ReasoningItem)
_reference = member_decoder(ReferenceItem)
_tools = member_decoder(ToolsItem)

_NOTHING: Final = (Text(""),)

ToolName: TypeAlias = tuple[str | None, str]
"""What a tool is called by the client: its namespace, where it has one, and its own name."""


def flat_name(namespace: str | None, name: str) -> str:
    """What the model calls a tool of a namespace."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith("_") else f"{namespace}__{name}"


_CALL: Final = "call_"
_BACKENDS: Final = "tooluse_"


def shown_call_id(id: str) -> str:
    """The backend's id of a call as this API's clients know them: with `call_` at its beginning (compatibility.md 2.1).

    Any other id stays as it is.
    """
    return _CALL + id if id.startswith(_BACKENDS) else id


def _call_id(shown: str | None, path: str) -> str:
    """The same on its way back: the backend gets the id that it has given."""
    id = present(shown, f"{path}.call_id")
    return id.removeprefix(_CALL) if id.startswith(_CALL + _BACKENDS) else id


def item(path: str, raw: bytes) -> Item:
    """Raises InvalidRequest for what is no item."""
    kind = _kind(raw, path)
    return Item(path, raw, kind.type or ("message" if kind.role is not None else "item_reference"))


def references(items: Iterable[Item]) -> Iterator[str]:
    """The ids of the items that are only named. Raises InvalidRequest."""
    return (_referred_to(item) for item in items if item.kind == "item_reference")


def _referred_to(item: Item) -> str:
    return present(_reference(item.raw, item.path).id, f"{item.path}.id")


def resolved(items: Iterable[Item], kept: Mapping[str, bytes]) -> Iterator[Item]:
    """The items, with those that are only named taken from `kept`. Raises InvalidRequest for one that is not there."""
    for given in items:
        if given.kind != "item_reference":
            yield given
            continue
        id = _referred_to(given)
        if id in kept:
            yield item(given.path, kept[id])
        elif not id.startswith("rs_"):
            raise InvalidRequest(
                f"`{given.path}` names the item {id[:80]!r}, which is not kept here; send the item itself.",
                param=given.path,
                code="item_not_found",
            )


def tools_in(items: Iterable[Item]) -> Iterator[list[Located]]:
    """The tools that items add to those of the request, item by item."""
    for path, raw, kind in items:
        if kind in ("additional_tools", "tool_search_output"):
            yield [(f"{path}.tools[{index}]", bytes(tool)) for index, tool in enumerate(_tools(raw, path).tools or ())]


class Turns(msgspec.Struct):
    """Reads items. names: what the model calls tools where that is not their flat name. `unknown` collects the types of
    what was left out.
    """

    names: Mapping[ToolName, str] = msgspec.field(default_factory=dict)
    unknown: list[str] = msgspec.field(default_factory=list)

    def of(self, items: Iterable[Item]) -> list[Turn]:
        turns: list[Turn] = []
        said: list[AssistantPart] = []
        results: list[UserPart] = []

        def close() -> None:
            if said:
                turns.append(AssistantTurn(tuple(said)))
                said.clear()
            if results:
                turns.append(UserTurn(tuple(results)))
                results.clear()

        for given in items:
            for told in self._read(given):
                if isinstance(told, SystemTurn | UserTurn):
                    close()
                    turns.append(told)
                elif isinstance(told, ToolResult):
                    if said:
                        close()
                    results.append(told)
                else:
                    if results:
                        close()
                    said.append(told)
        close()
        return turns

    def _read(self, item: Item) -> Iterator[SystemTurn | UserTurn | ToolResult | AssistantPart]:
        path, raw, _ = item
        match item.kind:
            case "message":
                yield from self._message(_message(raw, path), path)
            case "function_call" | "custom_tool_call" as kind:
                yield self._tool_use(_call(raw, path), path, free=kind == "custom_tool_call")
            case "function_call_output" | "custom_tool_call_output":
                output = _output(raw, path)
                shown = tuple(parts.output(output.output, f"{path}.output"))
                yield ToolResult(_call_id(output.call_id, path), shown)
            case "reasoning":
                thought = opened(_reasoning(raw, path).encrypted_content)
                if thought is not None:
                    yield thought
            case "agent_message":
                yield UserTurn(tuple(parts.output(_agent(raw, path).content, f"{path}.content")) or _NOTHING)
            case "additional_tools" | "tool_search_output":
                pass
            case kind:
                self.unknown.append(kind)

    def _message(self, message: MessageItem, path: str) -> Iterator[SystemTurn | UserTurn | AssistantPart]:
        where = f"{path}.content"
        match message.role:
            case "user":
                yield UserTurn(tuple(parts.user(message.content, where)) or _NOTHING)
            case "assistant":
                yield from self._said(message, where)
            case "system" | "developer":
                yield SystemTurn(parts.instructions(message.content, where))
            case role:
                raise InvalidRequest(
                    f"`{path}.role` is {role[:40]!r}; use user, assistant, system or developer.", param=f"{path}.role"
                )

    def _said(self, message: MessageItem, path: str) -> Iterator[Text | ToolUse]:
        empty = True
        for part in parts.said(message.content, path, self.unknown):
            empty = False
            yield self._named(part) if isinstance(part, ToolUse) else part
        if empty:
            yield Text("")

    def _named(self, call: ToolUse) -> ToolUse:
        return ToolUse(call.id, self.names.get((None, call.name), call.name), call.arguments)

    def _tool_use(self, call: CallItem, path: str, *, free: bool) -> ToolUse:
        call_id = _call_id(call.call_id, path)
        own = present(call.name or None, f"{path}.name")
        name = self.names.get((call.namespace or None, own)) or flat_name(call.namespace, own)
        if free:
            return ToolUse(call_id, name, custom.wrapped(call.input or ""))
        return ToolUse(call_id, name, arguments(bytes(call.arguments), f"{path}.arguments"))


def message(text: str) -> bytes:
    """The item that stands for a plain `input`."""
    return msgspec.json.encode({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
