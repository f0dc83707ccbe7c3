"""The members of a request that are looked at, as msgspec structs; every other member is accepted and skipped.

Items and tools are read in two steps: first what they are, then, of those that are known, the rest. So whatever new
kinds hold, they do no harm (compatibility.md 2.1, backend-rules.md E 7). Every optional member may be null.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from cwproxy.inbound.parts import AnyPart

Count: TypeAlias = Annotated[int, Meta(ge=1)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Penalty: TypeAlias = Annotated[float, Meta(ge=-2, le=2)]
Object: TypeAlias = dict[str, msgspec.Raw]
"""Looked at no further than that it is an object."""

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

NULL = msgspec.Raw(b"null")


class Kind(msgspec.Struct):
    """What an item or a tool is. A message needs no `type`, and neither does a reference."""

    type: str | None = None
    role: str | None = None


class Part(AnyPart):
    encrypted_content: str | None = None
    content: "Content" = None


Content: TypeAlias = str | list[str | Part] | None


class MessageItem(msgspec.Struct):
    role: str
    content: Content = None


class AgentItem(msgspec.Struct):
    """What one of Codex's agents tells another; who speaks to whom is said in the text, too."""

    content: Content = None


class CallItem(msgspec.Struct):
    """A call of a function (`arguments`) or of a custom tool (`input`)."""

    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = msgspec.Raw()
    input: str | None = None


class OutputItem(msgspec.Struct):
    call_id: str | None = None
    output: Content = None


class ReasoningItem(msgspec.Struct):
    encrypted_content: str | None = None


class ReferenceItem(msgspec.Struct):
    id: str | None = None


class ToolsItem(msgspec.Struct):
    """`additional_tools`, and `tool_search_output`."""

    tools: list[msgspec.Raw] | None = None


class Grammar(msgspec.Struct):
    type: str | None = None
    definition: str | None = None
    syntax: str | None = None


class FunctionSpec(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()


class ToolSpec(msgspec.Struct):
    """A function, flat or as Chat Completions (`function`) and Anthropic (`input_schema`) have it, a custom tool, or a
    namespace of such.
    """

    type: str | None = None
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    input_schema: msgspec.Raw = msgspec.Raw()
    function: FunctionSpec | None = None
    format: Grammar | None = None
    tools: list[msgspec.Raw] | None = None


class Named(msgspec.Struct):
    name: str | None = None


class ToolReference(msgspec.Struct):
    name: str | None = None
    namespace: str | None = None
    function: Named | None = None
    type: str | None = None


class ToolChoiceObject(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    namespace: str | None = None
    function: Named | None = None
    mode: str | None = None
    tools: list[ToolReference] | None = None


class Format(msgspec.Struct):
    type: str
    schema: msgspec.Raw = msgspec.Raw()


class Text(msgspec.Struct):
    format: Format | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct):
    effort: Effort | None = None
    summary: str | None = None
    generate_summary: str | None = None


class Request(msgspec.Struct):
    """Types and ranges of every parameter; what becomes of each is said in `parameters`."""

    model: str | None = None
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: Object | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | ToolChoiceObject | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Count | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: str | Object | None = None
    prompt: Object | None = None
    background: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncation: str | None = None
    max_tool_calls: int | None = None
    context_management: list[Object] | None = None
    metadata: Object | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Object | None = None
    prompt_cache_retention: str | None = None
    client_metadata: Object | None = None


class Echo(msgspec.Struct):
    """What the answer repeats as it was written (compatibility.md 2.1)."""

    instructions: msgspec.Raw = NULL
    tool_choice: msgspec.Raw = NULL
    tools: list[msgspec.Raw] | None = None
    text: "TextEcho | None" = None
    metadata: msgspec.Raw = NULL
    temperature: msgspec.Raw = NULL
    top_p: msgspec.Raw = NULL
    frequency_penalty: msgspec.Raw = NULL
    presence_penalty: msgspec.Raw = NULL
    top_logprobs: msgspec.Raw = NULL
    max_output_tokens: msgspec.Raw = NULL
    max_tool_calls: msgspec.Raw = NULL
    truncation: msgspec.Raw = NULL
    service_tier: msgspec.Raw = NULL
    safety_identifier: msgspec.Raw = NULL
    prompt_cache_key: msgspec.Raw = NULL
    user: msgspec.Raw = NULL


class TextEcho(msgspec.Struct):
    format: msgspec.Raw = NULL
    verbosity: msgspec.Raw = NULL
