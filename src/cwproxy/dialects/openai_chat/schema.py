"""The members of a request that are looked at, as msgspec structs; every other member is accepted and skipped.

The structs are wider than OpenAI's own types, because clients are (compatibility.md 1.1, 1.2, 2.3): every optional
member may be null, a part needs no `type`, tools come in three shapes. Tool schemas and tool arguments stay JSON
text (`msgspec.Raw`), empty when the member is missing.
"""

from typing import TypeAlias

import msgspec

Number: TypeAlias = int | float | None


class ImageUrl(msgspec.Struct, gc=False):
    url: str


class Source(msgspec.Struct, gc=False):
    """Where an Anthropic-shaped picture or document is."""

    type: str | None = None
    data: str | None = None
    url: str | None = None
    media_type: str | None = None


class File(msgspec.Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(msgspec.Struct):
    """A content part of any dialect. Which members count depends on `type`, or on which are there."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    image_url: str | ImageUrl | None = None
    file: File | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    title: str | None = None
    source: str | Source | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()
    tool_use_id: str | None = None
    is_error: bool | None = None
    content: "Content" = None


Content: TypeAlias = str | list[str | Part] | None


class Function(msgspec.Struct, gc=False):
    """A call. `arguments` is a JSON string that holds JSON, or an object, or nothing."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw()


class CustomCall(msgspec.Struct, gc=False):
    name: str
    input: str = ""


class ToolCall(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: CustomCall | None = None


class Message(msgspec.Struct):
    role: str
    content: Content = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: Function | None = None
    name: str | None = None
    refusal: str | None = None


class Item(msgspec.Struct):
    """An item of `input`, which some clients send here instead of `messages` (compatibility.md 2.3)."""

    type: str | None = None
    role: str | None = None
    content: Content = None
    call_id: str | None = None
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    input: str | None = None
    output: Content = None


class FunctionSpec(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()


class ToolSpec(msgspec.Struct):
    """A tool on offer: nested (`function`), flat, or Anthropic-shaped (`input_schema`)."""

    type: str | None = None
    function: FunctionSpec | None = None
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    input_schema: msgspec.Raw = msgspec.Raw()


class Named(msgspec.Struct):
    name: str | None = None


class ToolReference(msgspec.Struct):
    """One of the allowed tools, nested or flat."""

    function: Named | None = None
    custom: Named | None = None
    name: str | None = None


class AllowedTools(msgspec.Struct):
    mode: str | None = None
    tools: list[ToolReference] | None = None


class ToolChoiceObject(msgspec.Struct):
    type: str | None = None
    function: Named | None = None
    custom: Named | None = None
    name: str | None = None
    allowed_tools: AllowedTools | None = None
    mode: str | None = None
    tools: list[ToolReference] | None = None


class JsonSchema(msgspec.Struct):
    schema: msgspec.Raw = msgspec.Raw()


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Request(msgspec.Struct):
    model: str | None = None
    messages: list[Message] | None = None
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | ToolChoiceObject | None = None
    parallel_tool_calls: bool | None = None
    functions: list[FunctionSpec] | None = None
    function_call: str | Named | None = None
    response_format: ResponseFormat | None = None
    n: int | None = None
    modalities: list[str] | None = None
    temperature: Number = None
    top_p: Number = None
    top_k: Number = None
    frequency_penalty: Number = None
    presence_penalty: Number = None
    seed: int | None = None
    logit_bias: dict[str, Number] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    reasoning_effort: str | None = None
