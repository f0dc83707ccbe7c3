"""What was asked, in no dialect.

A `Conversation` is what every inbound API boils down to and all that the backend's converter sees. It keeps the
client's order and loses nothing; the laws of the backend (alternation, pairing, sizes) are not its business.
A field stands here only if the AWS side consumes it and it means the same in every dialect that has it.
"""

from typing import Literal, TypeAlias

import msgspec

ImageFormat: TypeAlias = Literal["png", "jpeg", "gif", "webp"]
DocumentFormat: TypeAlias = Literal["csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"]


class Text(msgspec.Struct, frozen=True):
    """A piece of text. May be empty; may hold any Unicode scalar value, never a lone surrogate."""

    text: str


class Image(msgspec.Struct, frozen=True):
    """A picture. `data` is standard base64 with padding, `format` what the bytes are (not what the client said).

    pixels: width and height, or zeros where the picture's header does not tell.
    """

    format: ImageFormat
    data: str
    pixels: tuple[int, int] = (0, 0)


class RemoteImage(msgspec.Struct, frozen=True):
    """A picture that is elsewhere. Either it is fetched and becomes an Image, or the request is refused.

    place: the path of the URL in the client's own body.
    """

    url: str
    place: str


class Document(msgspec.Struct, frozen=True):
    """A file for the model to read. `data` is standard base64 with padding; `name` is the client's, or empty."""

    format: DocumentFormat
    name: str
    data: str


class Reasoning(msgspec.Struct, frozen=True):
    """What the model thought earlier, as it was given out: it counts only with its whole signature, byte for byte."""

    text: str
    signature: str


class RedactedReasoning(msgspec.Struct, frozen=True):
    """The same, encrypted by the service."""

    data: str


class ToolUse(msgspec.Struct, frozen=True):
    """A tool call that the model made earlier. `arguments` is the JSON text as the client sent it back."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool answered. `tool_use_id` names the call; `failed` when the client says that the tool failed."""

    tool_use_id: str
    content: tuple["ResultPart", ...]
    failed: bool = False


ResultPart: TypeAlias = Text | Image | RemoteImage | Document
UserPart: TypeAlias = ResultPart | ToolResult
AssistantPart: TypeAlias = Text | Reasoning | RedactedReasoning | ToolUse


class SystemTurn(msgspec.Struct, frozen=True):
    """Instructions. Those before the first other turn are the system text; later ones keep their place."""

    text: str


class UserTurn(msgspec.Struct, frozen=True):
    """Text, pictures, documents and tool results, in the client's order."""

    parts: tuple[UserPart, ...]


class AssistantTurn(msgspec.Struct, frozen=True):
    """Text, reasoning and tool calls, in the client's order."""

    parts: tuple[AssistantPart, ...]


Turn: TypeAlias = SystemTurn | UserTurn | AssistantTurn


class Tool(msgspec.Struct, frozen=True):
    """A tool on offer, by the client's own name. `schema` is the JSON text of its parameters, `{}` when it has none."""

    name: str
    description: str
    schema: bytes


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether the model may, must or must not call a tool. `name` (with `required`) forces that one."""

    mode: Literal["auto", "none", "required"] = "auto"
    name: str | None = None


class JsonAnswer(msgspec.Struct, frozen=True):
    """The answer must be one JSON document; of this schema (JSON text) where there is one, else any object."""

    schema: bytes | None = None


class Search(msgspec.Struct, frozen=True):
    """What is to be looked up on the web first, so that the answer can be made from what is found.

    allowed: only pages of these places count, where there are any; none of `blocked` does. A place is a domain, with
    all under it, and may go on with the beginning of a path, in which `*` is anything.
    """

    query: str
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


class Conversation(msgspec.Struct, frozen=True):
    """One request.

    name: what the client calls the conversation, if it calls it anything.
    stop: strings that end the answer's text. max_tokens: of the answer, at least 1, or None.
    parallel: whether the model may call several tools at once.
    effort: how much the model may think, in the words of the client's API (none, minimal, low, medium, high, ...).
    thinks: false where the model is not to think at all, whatever the effort.
    any_version: where there is no model of that name, another version of its family will do.
    """

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    answer: JsonAnswer | None = None
    name: str | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    effort: str | None = None
    parallel: bool = True
    search: Search | None = None
    thinks: bool = True
    any_version: bool = False
