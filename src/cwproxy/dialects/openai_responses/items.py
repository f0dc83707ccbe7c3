"""Items of a request, of this one or an earlier one -> turns of a `Conversation` (compatibility.md 2.1).

What the model said and called in one go becomes one turn, and so do the results of its calls. Items that only
OpenAI's servers can have made (web searches, compactions, ...) and unknown ones are left out and named, because
clients send new ones before anybody knows them; what the model cannot be shown although it was meant to see it
(audio, a file kept elsewhere, an item that is not kept) is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec

from cwproxy.conversation import (
    AssistantPart,
    AssistantTurn,
    Image,
    RemoteImage,
    ResultPart,
    SystemTurn,
    Text,
    ToolResult,
    ToolUse,
    Turn,
    UserPart,
    UserTurn,
)
from cwproxy.dialects.openai_responses.schema import (
    AgentItem,
    CallItem,
    Content,
    Kind,
    MessageItem,
    OutputItem,
    Part,
    ReasoningItem,
    ReferenceItem,
    ToolsItem,
)
from cwproxy.dialects.openai_responses.thoughts import opened
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom, files, images
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

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_PICTURES: Final = frozenset({"input_image", "image_url", "image"})
_FILES: Final = frozenset({"input_file", "file"})
_NOTHING: Final = (Text(""),)

ToolName: TypeAlias = tuple[str | None, str]
"""What a tool is called by the client: its namespace, where it has one, and its own name."""


def flat_name(namespace: str | None, name: str) -> str:
    """What the model calls a tool of a namespace."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith("_") else f"{namespace}__{name}"


def item(path: str, raw: bytes) -> Item:
    """Raises InvalidRequest for what is no item."""
    kind = _kind(raw, path)
    return Item(path, raw, kind.type or ("message" if kind.role is not None else "item_reference"))


def references(items: Iterable[Item]) -> Iterator[str]:
    """The ids of the items that are only named. Raises InvalidRequest."""
    return (_referred_to(item) for item in items if item.kind == "item_reference")


def _referred_to(item: Item) -> str:
    return _present(_reference(item.raw, item.path).id, f"{item.path}.id")


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
                shown = tuple(_shown(output.output, f"{path}.output"))
                yield ToolResult(_present(output.call_id, f"{path}.call_id"), shown)
            case "reasoning":
                thought = opened(_reasoning(raw, path).encrypted_content)
                if thought is not None:
                    yield thought
            case "agent_message":
                yield UserTurn(tuple(_shown(_agent(raw, path).content, f"{path}.content")) or _NOTHING)
            case "additional_tools" | "tool_search_output":
                pass
            case kind:
                self.unknown.append(kind)

    def _message(self, message: MessageItem, path: str) -> Iterator[SystemTurn | UserTurn | AssistantPart]:
        where = f"{path}.content"
        match message.role:
            case "user":
                yield UserTurn(tuple(_shown(message.content, where)) or _NOTHING)
            case "assistant":
                yield from self._said(message.content, where)
            case "system" | "developer":
                yield SystemTurn("\n".join(_instructions(message.content, where)))
            case role:
                raise InvalidRequest(
                    f"`{path}.role` is {role[:40]!r}; use user, assistant, system or developer.", param=f"{path}.role"
                )

    def _said(self, content: Content, path: str) -> Iterator[Text]:
        empty = True
        for part, where in _each(content, path):
            text = _text(part, where)
            if text is None:
                self.unknown.append(part.type or "")
            else:
                empty = False
                yield text
        if empty:
            yield Text("")

    def _tool_use(self, call: CallItem, path: str, *, free: bool) -> ToolUse:
        call_id = _present(call.call_id, f"{path}.call_id")
        own = _present(call.name or None, f"{path}.name")
        name = self.names.get((call.namespace or None, own)) or flat_name(call.namespace, own)
        if free:
            return ToolUse(call_id, name, custom.wrapped(call.input or ""))
        return ToolUse(call_id, name, arguments(bytes(call.arguments), f"{path}.arguments"))


def _instructions(content: Content, path: str) -> Iterator[str]:
    for part, where in _each(content, path):
        text = _text(part, where)
        if text is None:
            raise _unusable(part, where, "cannot stand in a system message; send text.")
        yield text.text


def _each(content: Content, path: str) -> Iterator[tuple[Part, str]]:
    if isinstance(content, str):
        yield Part("input_text", content), path
        return
    for index, part in enumerate(content or ()):
        yield (Part("input_text", part) if isinstance(part, str) else part), f"{path}[{index}]"


def _text(part: Part, path: str) -> Text | None:
    """The text of a part that has one, None for a part of another kind."""
    if part.type == "refusal":
        return Text(part.refusal or "")
    if part.type == "encrypted_content":
        # The argument of a call by which Codex's agents speak to each other: nothing here has encrypted it.
        return Text(_present(part.encrypted_content, f"{path}.encrypted_content"))
    if part.type in _TEXTS or (part.type is None and part.text is not None):
        return Text(_present(part.text, f"{path}.text"))
    return None


def _shown(content: Content, path: str) -> Iterator[ResultPart]:
    for part, where in _each(content, path):
        if (text := _text(part, where)) is not None:
            yield text
        elif part.type in _PICTURES:
            yield _image(part, where)
        elif part.type in _FILES:
            yield files.document(part.file_data, part.filename, where, file_id=part.file_id, file_url=part.file_url)
        else:
            raise _unusable(part, where, "cannot be shown to the model; send text, a picture or a document.")


def _unusable(part: Part, path: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{path}` is a part of type {(part.type or '(none)')[:40]!r}, which {why}",
        param=f"{path}.type",
        code="unsupported_content",
    )


def _image(part: Part, path: str) -> Image | RemoteImage:
    if part.image_url is None:
        if part.file_id is not None:
            raise files.elsewhere(f"{path}.file_id")
        raise _missing(f"{path}.image_url")
    url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
    return images.from_url(url, f"{path}.image_url")


def _present(value: str | None, path: str) -> str:
    if value is None:
        raise _missing(path)
    return value


def _missing(path: str) -> InvalidRequest:
    return InvalidRequest(f"`{path}` is missing.", param=path, code="missing_required_parameter")


def message(text: str) -> bytes:
    """The item that stands for a plain `input`."""
    return msgspec.json.encode({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
