"""The members of a request that are looked at, as msgspec structs; every other member is accepted and skipped.

The structs are wider than Anthropic's own types, because clients are (compatibility.md 2.2, 2.3): every optional member
may be null, tools and parts come in other APIs' shapes, and unknown fields and betas are common. Tool schemas and tool
input stay JSON text (`msgspec.Raw`), empty when the member is missing.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from cwproxy.inbound.parts import ImageUrl

Count: TypeAlias = Annotated[int, Meta(ge=1)]
Object: TypeAlias = dict[str, msgspec.Raw]
"""Looked at no further than that it is an object."""

CLIENT_TYPES: Final = (None, "custom", "function")
"""Of tools that the client runs."""


class Source(msgspec.Struct, gc=False):
    """Where a picture or a document is."""

    type: str | None = None
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: "Content" = None


class Block(msgspec.Struct):
    """A content block of any type. Which members count depends on `type`."""

    type: str | None = None
    text: str | None = None
    source: str | Source | None = None
    image_url: str | ImageUrl | None = None
    title: str | None = None
    context: str | None = None
    url: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: str | None = None
    is_error: bool | None = None
    tool_name: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    error_code: str | None = None
    tool: "ToolChange | None" = None
    definition: "ToolSpec | None" = None
    tool_references: "list[Block] | None" = None
    tool_changes: "list[Block] | None" = None
    content: "Content" = None


Content: TypeAlias = str | list[str | Block] | Block | None


class Message(msgspec.Struct):
    role: str
    content: Content = None


class FunctionSpec(msgspec.Struct):
    """OpenAI's shape of a tool."""

    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()


class ToolSpec(msgspec.Struct):
    """A tool on offer. `defer_loading` keeps it from the model until the conversation refers to it; the domains,
    `max_uses` and `user_location` are of a search of the web.
    """

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()
    parameters: msgspec.Raw = msgspec.Raw()
    function: FunctionSpec | None = None
    defer_loading: bool | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    max_uses: int | None = None
    user_location: msgspec.Raw = msgspec.Raw()


class ToolChange(msgspec.Struct):
    """Which tool a message adds or removes: one of a name, or one that is defined there."""

    type: str | None = None
    name: str | None = None
    definition: ToolSpec | None = None


class ToolChoiceObject(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct):
    """`type` is enabled, adaptive, between_tools or disabled; `display` is omitted where no text is to be shown."""

    type: str | None = None
    budget_tokens: int | None = None
    display: str | None = None


class Format(msgspec.Struct):
    type: str
    schema: msgspec.Raw = msgspec.Raw()


class OutputConfig(msgspec.Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None


class Request(msgspec.Struct):
    """Types and ranges of every parameter; what becomes of each is said in `parameters`."""

    model: str | None = None
    messages: list[Message] | None = None
    max_tokens: Count | None = None
    system: Content = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | ToolChoiceObject | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    context_management: Object | None = None
    mcp_servers: list[Object] | None = None
    container: str | Object | None = None
    metadata: Object | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    cache_control: Object | None = None
