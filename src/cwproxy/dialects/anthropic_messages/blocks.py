"""Content blocks -> parts of a turn (compatibility.md 2.2).

Blocks that only Anthropic's servers can have made (web searches, code runs) are told to the model as text where they
hold any. Unknown ones are left out and named, because clients send new ones before anybody knows them; what the model
cannot be shown although it was meant to see it (a file kept elsewhere) is refused.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from cwproxy.conversation import (
    AssistantPart,
    Image,
    Reasoning,
    RedactedReasoning,
    RemoteImage,
    ResultPart,
    Text,
    ToolResult,
    ToolUse,
    UserPart,
)
from cwproxy.dialects.anthropic_messages.schema import CLIENT_TYPES, Block, Content, Source, ToolChange
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import images
from cwproxy.inbound.decode import arguments as call_arguments
from cwproxy.inbound.parts import ImageUrl
from cwproxy.media import documents, payload

TOOL_REFERENCE: Final = 'The tool "{name}" can be called now.'
"""What the model is told of a tool that a search has found."""

TOOL_REMOVED: Final = 'The tool "{name}" cannot be called any more.'
"""What the model is told of a tool that is withdrawn in the middle of the conversation."""

TITLED: Final = '[Document "{title}"]\n{text}'

_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_PICTURES: Final = frozenset({"image", "image_url", "input_image"})
_CHANGES: Final = (None, "tool_reference", "tool_definition")
_CALLS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})

KNOWN: Final = (
    _TEXTS | _PICTURES | _CALLS | {"document", "search_result", "tool_reference", "tool_result", "thinking"}
) | {"redacted_thinking", "tool_addition", "tool_removal", "tool_definition"}
"""Types whose members have to be what they are known to be."""


class Blocks(msgspec.Struct):
    """Reads the content of a request; `unknown` collects the types of what was left out."""

    unknown: list[str] = msgspec.field(default_factory=list)

    def user(self, content: Content, path: str) -> Iterator[UserPart]:
        for block, where in _each(content, path):
            if block.type == "tool_result":
                result = tuple(self.shown(block.content, f"{where}.content"))
                yield ToolResult(_present(block.tool_use_id, f"{where}.tool_use_id"), result, bool(block.is_error))
            else:
                yield from self._shown(block, where)

    def shown(self, content: Content, path: str) -> Iterator[ResultPart]:
        """What may stand in a tool's answer, too."""
        for block, where in _each(content, path):
            yield from self._shown(block, where)

    def assistant(self, content: Content, path: str) -> Iterator[AssistantPart]:
        for block, where in _each(content, path):
            match block.type:
                case "thinking":
                    yield Reasoning(block.thinking or "", block.signature or "")
                case "redacted_thinking":
                    yield RedactedReasoning(block.data or "")
                case "tool_use":
                    name = _present(block.name or None, f"{where}.name")
                    arguments = call_arguments(bytes(block.input), f"{where}.input")
                    yield ToolUse(_present(block.id, f"{where}.id"), name, arguments)
                case _:
                    yield from self._told(block, where)

    def text(self, content: Content, path: str) -> Iterator[str]:
        """Of a system prompt, block by block."""
        for block, where in _each(content, path):
            if _kind(block) in _TEXTS:
                yield _text(block, where)
            elif (change := _change(block)) is not None:
                yield change
            elif block.type == "tool_reference":
                yield TOOL_REFERENCE.format(name=block.tool_name or "")
            else:
                self.unknown.append(_kind(block))

    def _shown(self, block: Block, path: str) -> Iterator[ResultPart]:
        kind = _kind(block)
        if kind in _TEXTS:
            yield Text(_text(block, path))
        elif kind in _PICTURES:
            yield _image(block, path)
        elif kind == "document":
            yield from self._document(block, path)
        elif kind == "search_result":
            texts = [text for text in self.text(block.content, f"{path}.content") if text]
            place = block.source if isinstance(block.source, str) else None
            yield Text("\n".join(filter(None, [block.title, place, *texts])))
        elif kind == "tool_reference":
            yield Text(TOOL_REFERENCE.format(name=block.tool_name or ""))
        elif (change := _change(block)) is not None:
            yield Text(change)
        else:
            self.unknown.append(kind)

    def _told(self, block: Block, path: str) -> Iterator[Text]:
        """What a server of Anthropic's said earlier, as far as it is text."""
        if _kind(block) in _TEXTS:
            yield Text(_text(block, path))
        elif block.type in _CALLS:
            yield Text(f"[{block.name or block.type} {bytes(block.input).decode() or '{}'}]")
        elif found := "\n".join(_found(block)):
            yield Text(found)
        elif block.content != []:
            self.unknown.append(_kind(block))

    def _document(self, block: Block, path: str) -> Iterator[ResultPart]:
        if block.context:
            yield Text(block.context)
        match block.source:
            case Source(type="text", data=str() as text):
                yield Text(TITLED.format(title=block.title, text=text) if block.title else text)
            case Source(type="content", content=content):
                yield from self.shown(content, f"{path}.source.content")
            case Source(data=str() as data, media_type=mime):
                param = f"{path}.source.data"
                read = payload.from_base64(data, param, mime=(mime or "").lower())
                yield documents.document(read, block.title or "", param)
            case _:
                raise _elsewhere(f"{path}.source")


def _each(content: Content, path: str) -> Iterator[tuple[Block, str]]:
    """Every block with its path, whatever the form of the content."""
    match content:
        case None:
            return
        case str():
            yield Block("text", content), path
        case Block():
            yield content, path
        case _:
            for index, block in enumerate(content):
                yield (Block("text", block) if isinstance(block, str) else block), f"{path}[{index}]"


def _kind(block: Block) -> str:
    if block.type is not None:
        return block.type
    return "text" if block.text is not None else "(none)"


def _text(block: Block, path: str) -> str:
    if block.text is None:
        raise _missing(f"{path}.text")
    return block.text


def _found(block: Block) -> Iterator[str]:
    """The lines of a result: pages, what a program printed, why it failed, whatever text there is, however deep."""
    if line := " ".join(filter(None, [block.title, block.url, block.text, block.error_code])):
        yield line
    yield from filter(None, [block.stdout, block.stderr])
    yield from (TOOL_REFERENCE.format(name=each.tool_name) for each in block.tool_references or () if each.tool_name)
    match block.source:
        case Source(type="text", data=str() as text):
            yield text
        case Source(content=content):
            yield from (line for inner, _ in _each(content, "") for line in _found(inner))
        case _:
            pass
    yield from (line for inner, _ in _each(block.content, "") for line in _found(inner))


def _change(block: Block) -> str | None:
    """What is said of a change of the tools (`tools` makes it); None where it is none of a tool that runs here."""
    change = change_of(block)
    if change is None or (change.definition is not None and change.definition.type not in CLIENT_TYPES):
        return None
    return (TOOL_REMOVED if block.type == "tool_removal" else TOOL_REFERENCE).format(name=change.name)


def change_of(block: Block) -> ToolChange | None:
    """The tool that the block adds or removes, by its name; a server's tools have none of their own."""
    match block:
        case Block(type="tool_addition" | "tool_removal", tool=ToolChange(type=kind) as tool) if kind in _CHANGES:
            definition = tool.definition
        case Block(type="tool_definition", definition=definition):
            tool = ToolChange()
        case _:
            return None
    name = tool.name or (definition.name if definition is not None else None)
    return ToolChange(name=name, definition=definition) if name else None


def _image(block: Block, path: str) -> Image | RemoteImage:
    if isinstance(block.image_url, ImageUrl):
        return images.from_url(block.image_url.url, f"{path}.image_url.url")
    if block.image_url is not None:
        return images.from_url(block.image_url, f"{path}.image_url")
    match block.source:
        case Source(data=str() as data):
            return images.from_base64(data, f"{path}.source.data")
        case Source(url=str() as url):
            return images.from_url(url, f"{path}.source.url")
        case _:
            raise _elsewhere(f"{path}.source")


def _elsewhere(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{param}` does not hold the file itself, and cwproxy keeps and fetches none; "
        "send it as {'type': 'base64', 'media_type': ..., 'data': ...}.",
        param=param,
        code="unsupported_file",
    )


def _present(value: str | None, path: str) -> str:
    """For ids: an empty one is as good as any, for it comes back to be paired."""
    if value is None:
        raise _missing(path)
    return value


def _missing(path: str) -> InvalidRequest:
    return InvalidRequest(f"`{path}` is missing.", param=path, code="missing_required_parameter")
