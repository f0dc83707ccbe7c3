"""Messages of a request -> turns of a `Conversation`, one for one and in the client's order.

Every content form of compatibility.md 1.2 is taken, and the parts of the other dialects, because clients mix them
(compatibility.md 2.3). What the model cannot be shown (audio, files elsewhere) is refused, never dropped silently.
"""

from collections.abc import Iterable, Iterator

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
from cwproxy.dialects.openai_chat import files
from cwproxy.dialects.openai_chat.schema import Content, Message, Part, ToolCall
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import custom, images
from cwproxy.inbound.decode import arguments, document
from cwproxy.inbound.parts import Source

_TEXTS = frozenset({"text", "input_text", "output_text"})
_PICTURES = frozenset({"image_url", "input_image", "image"})
_DOCUMENTS = frozenset({"file", "input_file", "document"})
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})
_NOTHING = (Text(""),)


def turns(messages: Iterable[tuple[str, Message]]) -> tuple[Turn, ...]:
    """One turn per message, each given with its path. Raises InvalidRequest with the path of what cannot be used."""
    calls = _FunctionCalls()
    return tuple(_turn(message, path, calls) for path, message in messages)


class _FunctionCalls:
    """Gives the deprecated `function_call`, which has no id, one that its answer can be paired with by name."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[tuple[str, str]] = []

    def asked(self, name: str) -> str:
        self._count += 1
        call_id = f"function_{self._count}"
        self._waiting.append((name, call_id))
        return call_id

    def answered(self, name: str | None) -> str:
        for position, (asked, call_id) in enumerate(self._waiting):
            if name in (None, asked):
                del self._waiting[position]
                return call_id
        return f"function_{name}"


def _turn(message: Message, path: str, calls: _FunctionCalls) -> Turn:
    match message.role:
        case "user":
            return UserTurn(tuple(_user_parts(message.content, f"{path}.content")) or _NOTHING)
        case "assistant":
            return AssistantTurn(tuple(_assistant_parts(message, path, calls)) or _NOTHING)
        case "system" | "developer":
            return SystemTurn(_plain(message.content, f"{path}.content"))
        case "tool":
            if message.tool_call_id is None:
                raise InvalidRequest(
                    f"`{path}.tool_call_id` is missing; a tool message names the call that it answers.",
                    param=f"{path}.tool_call_id",
                    code="missing_required_parameter",
                )
            return UserTurn((ToolResult(message.tool_call_id, _result(message.content, f"{path}.content")),))
        case "function":
            answered = calls.answered(message.name)
            return UserTurn((ToolResult(answered, _result(message.content, f"{path}.content")),))
        case role:
            raise InvalidRequest(
                f"`{path}.role` is {role[:40]!r}; use system, developer, user, assistant, tool or function.",
                param=f"{path}.role",
            )


def _kind(part: Part) -> str:
    if part.type is not None:
        return part.type
    if part.text is not None:
        return "text"
    if part.image_url is not None:
        return "image_url"
    if part.file is not None:
        return "file"
    return "refusal" if part.refusal is not None else "(none)"


def _each(content: Content, path: str) -> Iterator[tuple[str, Part, str]]:
    """Kind, part and path of everything in `content`, whatever its form."""
    if content is None:
        return
    if isinstance(content, str):
        yield "text", Part(text=content), path
        return
    for index, part in enumerate(content):
        if isinstance(part, str):
            yield "text", Part(text=part), f"{path}[{index}]"
        else:
            yield _kind(part), part, f"{path}[{index}]"


def _text(kind: str, part: Part, path: str) -> Text | None:
    """The text of a part that has one, None for a part of another kind."""
    if kind in _TEXTS:
        if part.text is None:
            raise InvalidRequest(f"`{path}.text` is missing.", param=f"{path}.text", code="missing_required_parameter")
        return Text(part.text)
    return Text(part.refusal or "") if kind == "refusal" else None


def _image(part: Part, path: str) -> Image | RemoteImage:
    match part.image_url:
        case str() as url:
            return images.from_url(url, f"{path}.image_url")
        case None:
            pass
        case picture:
            return images.from_url(picture.url, f"{path}.image_url.url")
    match part.source:
        case Source(data=str() as data):
            return images.from_base64(data, f"{path}.source.data")
        case Source(url=str() as url):
            return images.from_url(url, f"{path}.source.url")
        case _:
            raise InvalidRequest(
                f"`{path}.image_url` is missing; give it as {{'url': 'data:image/png;base64,...'}}.",
                param=f"{path}.image_url",
                code="missing_required_parameter",
            )


def _unusable(kind: str, path: str, where: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{path}` is a part of type {kind[:40]!r}, which cannot stand in {where}; send text"
        + (", a picture or a document." if where == "a user message" else "."),
        param=f"{path}.type",
        code="unsupported_content",
    )


def _user_parts(content: Content, path: str) -> Iterator[UserPart]:
    for kind, part, where in _each(content, path):
        if (text := _text(kind, part, where)) is not None:
            yield text
        elif kind in _PICTURES:
            yield _image(part, where)
        elif kind in _DOCUMENTS:
            yield files.document(part, where)
        elif kind == "tool_result":
            result = _result(part.content, f"{where}.content")
            yield ToolResult(_present(part.tool_use_id, f"{where}.tool_use_id"), result, bool(part.is_error))
        else:
            raise _unusable(kind, where, "a user message")


def _result(content: Content, path: str) -> tuple[ResultPart, ...]:
    found: list[ResultPart] = []
    for kind, part, where in _each(content, path):
        if (text := _text(kind, part, where)) is not None:
            found.append(text)
        elif kind in _PICTURES:
            found.append(_image(part, where))
        elif kind in _DOCUMENTS:
            found.append(files.document(part, where))
        else:
            raise _unusable(kind, where, "a tool's answer")
    return tuple(found)


def _plain(content: Content, path: str) -> str:
    lines: list[str] = []
    for kind, part, where in _each(content, path):
        text = _text(kind, part, where)
        if text is None:
            raise _unusable(kind, where, "a system message")
        lines.append(text.text)
    return "\n".join(lines)


def _assistant_parts(message: Message, path: str, calls: _FunctionCalls) -> Iterator[AssistantPart]:
    for kind, part, where in _each(message.content, f"{path}.content"):
        if (text := _text(kind, part, where)) is not None:
            yield text
        elif kind == "tool_use":
            given = document(bytes(part.input), f"{where}.input").decode()
            yield ToolUse(_present(part.id, f"{where}.id"), _required(part.name, f"{where}.name"), given)
        elif kind not in _THOUGHTS:
            raise _unusable(kind, where, "an assistant message")
    if message.content is None and message.refusal:
        yield Text(message.refusal)
    for index, call in enumerate(message.tool_calls or ()):
        yield _tool_use(call, f"{path}.tool_calls[{index}]")
    if message.function_call is not None:
        function = message.function_call
        given = arguments(bytes(function.arguments), f"{path}.function_call.arguments")
        yield ToolUse(calls.asked(function.name), function.name, given)


def _tool_use(call: ToolCall, path: str) -> ToolUse:
    call_id = _present(call.id, f"{path}.id")
    if call.function is not None:
        name = _required(call.function.name, f"{path}.function.name")
        return ToolUse(call_id, name, arguments(bytes(call.function.arguments), f"{path}.function.arguments"))
    if call.custom is not None:
        return ToolUse(call_id, call.custom.name, custom.wrapped(call.custom.input))
    raise InvalidRequest(f"`{path}.function` is missing.", param=f"{path}.function", code="missing_required_parameter")


def _required(value: str | None, path: str) -> str:
    """For names, which may not be empty either."""
    return _present(value or None, path)


def _present(value: str | None, path: str) -> str:
    """For ids: an empty one is as good as any, for it comes back to be paired."""
    if value is None:
        raise InvalidRequest(f"`{path}` is missing.", param=path, code="missing_required_parameter")
    return value
