"""Content parts of messages and of tool outputs -> parts of a `Conversation` (compatibility.md 2.1).

The parts of the other dialects are taken, too, because clients mix them (compatibility.md 2.3). What the model cannot
be shown although it was meant to see it (audio, a file kept elsewhere) is refused.
"""

from collections.abc import Iterator
from typing import Final

from cwproxy.conversation import Document, Image, RemoteImage, ResultPart, Text, ToolResult, ToolUse, UserPart
from cwproxy.dialects.openai_responses.schema import Content, Part
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import files, images
from cwproxy.inbound.decode import arguments
from cwproxy.inbound.parts import Source
from cwproxy.media import documents, payload

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_PICTURES: Final = frozenset({"input_image", "image_url", "image"})
_FILES: Final = frozenset({"input_file", "file", "document"})


def user(content: Content, path: str) -> Iterator[UserPart]:
    """What a user's message holds. Raises InvalidRequest, as all of these do."""
    for part, where in _each(content, path):
        if part.type == "tool_result":
            shown = tuple(output(part.content, f"{where}.content"))
            yield ToolResult(present(part.tool_use_id, f"{where}.tool_use_id"), shown, bool(part.is_error))
        else:
            yield _shown(part, where)


def output(content: Content, path: str) -> Iterator[ResultPart]:
    """What a tool has answered, or one of Codex's agents has said."""
    return (_shown(part, where) for part, where in _each(content, path))


def said(content: Content, path: str, unknown: list[str]) -> Iterator[Text | ToolUse]:
    """What the model said, and called. unknown: is given the types of what is left out."""
    for part, where in _each(content, path):
        if part.type == "tool_use":
            name = present(part.name or None, f"{where}.name")
            yield ToolUse(present(part.id, f"{where}.id"), name, arguments(bytes(part.input), f"{where}.input"))
        elif (text := _text(part, where)) is not None:
            yield text
        else:
            unknown.append(part.type or "")


def instructions(content: Content, path: str) -> str:
    """What a system message says."""
    lines: list[str] = []
    for part, where in _each(content, path):
        text = _text(part, where)
        if text is None:
            raise _unusable(part, where, "cannot stand in a system message; send text.")
        lines.append(text.text)
    return "\n".join(lines)


def present(value: str | None, path: str) -> str:
    """The member at `path`, which has to be there."""
    if value is None:
        raise _missing(path)
    return value


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
        return Text(present(part.encrypted_content, f"{path}.encrypted_content"))
    if part.type in _TEXTS or (part.type is None and part.text is not None):
        return Text(present(part.text, f"{path}.text"))
    return None


def _shown(part: Part, path: str) -> ResultPart:
    if (text := _text(part, path)) is not None:
        return text
    if part.type in _PICTURES:
        return _image(part, path)
    if part.type in _FILES:
        return _document(part, path)
    raise _unusable(part, path, "cannot be shown to the model; send text, a picture or a document.")


def _unusable(part: Part, path: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{path}` is a part of type {(part.type or '(none)')[:40]!r}, which {why}",
        param=f"{path}.type",
        code="unsupported_content",
    )


def _image(part: Part, path: str) -> Image | RemoteImage:
    if part.image_url is not None:
        url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
        return images.from_url(url, f"{path}.image_url")
    match part.source:
        case Source(data=str() as data):
            return images.from_base64(data, f"{path}.source.data")
        case Source(url=str() as url):
            return images.from_url(url, f"{path}.source.url")
        case _ if part.file_id is not None:
            raise files.elsewhere(f"{path}.file_id")
        case _:
            raise _missing(f"{path}.image_url")


def _document(part: Part, path: str) -> Document | Text:
    match part.source:
        case Source(type="text", data=str() as text):
            return Text(text)
        case Source(data=str() as data, media_type=mime):
            param = f"{path}.source.data"
            read = payload.from_base64(data, param, mime=(mime or "").lower())
            return documents.document(read, part.title or "", param)
        case None:
            return files.document(part.file_data, part.filename, path, file_id=part.file_id, file_url=part.file_url)
        case _:
            raise files.elsewhere(f"{path}.source")


def _missing(path: str) -> InvalidRequest:
    return InvalidRequest(f"`{path}` is missing.", param=path, code="missing_required_parameter")
