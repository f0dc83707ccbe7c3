"""The members of a request that are looked at, as msgspec structs; every other member is accepted and skipped.

The structs are wider than OpenAI's own types, because clients are (compatibility.md 1.1, 1.2, 2.3): every optional
member may be null, a part needs no `type`, tools come in three shapes. Tool schemas and tool arguments stay JSON
text (`msgspec.Raw`), empty when the member is missing.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from cwproxy.inbound.parts import AnyPart

Penalty: TypeAlias = Annotated[float, Meta(ge=-2, le=2)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
Bias: TypeAlias = Annotated[float, Meta(ge=-100, le=100)]
Stops: TypeAlias = str | Annotated[list[str], Meta(max_length=4)]
Object: TypeAlias = dict[str, msgspec.Raw]
"""Looked at no further than that it is an object."""

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class File(msgspec.Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(AnyPart):
    file: File | None = None
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


class Grammar(msgspec.Struct):
    """`{type: grammar, grammar: {definition, syntax}}`, or the same flat."""

    type: str | None = None
    grammar: "Grammar | None" = None
    definition: str | None = None
    syntax: str | None = None


class CustomSpec(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    format: Grammar | None = None


class ToolSpec(msgspec.Struct):
    """A tool on offer: nested (`function`, `custom`), flat, or Anthropic-shaped (`input_schema`)."""

    type: str | None = None
    function: FunctionSpec | None = None
    custom: CustomSpec | None = None
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    input_schema: msgspec.Raw = msgspec.Raw()
    format: Grammar | None = None


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
    """Types and ranges of every parameter; what becomes of each is said in `parameters`."""

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
    n: Count | None = None
    stop: Stops | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    reasoning_effort: Effort | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=-1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: int | None = None
    logit_bias: dict[str, Bias] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: Object | None = None
    prediction: Object | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: Object | None = None
    moderation: Object | None = None
    store: bool | None = None
    metadata: Object | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Object | None = None
    prompt_cache_retention: str | None = None
