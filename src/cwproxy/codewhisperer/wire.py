"""ConversationState and its relatives as types, and the sentences that cwproxy adds to prompts.

Shapes and member names: protocol.md 2 (AWS-generated models and clients); member order is that of the newest
AWS client (protocol.md 8.1). Absent members are left out of the JSON, never sent as null or as empty lists.

The sentences stand here so that the simulator can recognise them without seeing the converter.
"""

from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = msgspec.Raw
"""JSON text that is passed through without being looked into."""


class _Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """Base: camelCase on the wire, members equal to their default are left out."""


class ImageSource(_Wire, frozen=True, kw_only=True):
    """Of pictures and documents: base64."""

    bytes: str


class ImageBlock(_Wire, frozen=True, kw_only=True):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: ImageSource


class DocumentBlock(_Wire, frozen=True, kw_only=True):
    name: str
    format: Literal["csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"]
    source: ImageSource


class EnvironmentVariable(_Wire, frozen=True, kw_only=True):
    key: str
    value: str


class EnvState(_Wire, frozen=True, kw_only=True):
    operating_system: str | None = None
    current_working_directory: str | None = None
    environment_variables: list[EnvironmentVariable] | None = None


class GitState(_Wire, frozen=True, kw_only=True):
    status: str


class CachePoint(_Wire, frozen=True, kw_only=True):
    type: Literal["default"]


class InputSchema(_Wire, frozen=True, kw_only=True):
    json: Json


class ToolSpecification(_Wire, frozen=True, kw_only=True):
    name: str
    description: str
    input_schema: InputSchema


class Tool(_Wire, frozen=True, kw_only=True):
    tool_specification: ToolSpecification


class ToolResultContent(_Wire, frozen=True, kw_only=True):
    """A union: exactly one of the two is set."""

    text: str | None = None
    json: Json | None = None


class ToolResult(_Wire, frozen=True, kw_only=True):
    tool_use_id: str
    content: list[ToolResultContent]
    status: Literal["success", "error"] | None = None


class ToolUse(_Wire, frozen=True, kw_only=True):
    tool_use_id: str
    name: str
    input: Json


class UserInputMessageContext(_Wire, frozen=True, kw_only=True):
    git_state: GitState | None = None
    env_state: EnvState | None = None
    tool_results: list[ToolResult] | None = None
    tools: list[Tool] | None = None


class UserInputMessage(_Wire, frozen=True, kw_only=True):
    content: str
    user_input_message_context: UserInputMessageContext | None = None
    origin: str | None = None
    images: list[ImageBlock] | None = None
    documents: list[DocumentBlock] | None = None
    model_id: str | None = None
    cache_point: CachePoint | None = None


class ReasoningText(_Wire, frozen=True, kw_only=True):
    text: str
    signature: str


class ReasoningContent(_Wire, frozen=True, kw_only=True):
    """A union: exactly one of the two is set (backend-rules.md A4 47)."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class AssistantResponseMessage(_Wire, frozen=True, kw_only=True):
    content: str
    message_id: str | None = None
    tool_uses: list[ToolUse] | None = None
    cache_point: CachePoint | None = None
    reasoning_content: ReasoningContent | None = None


class ChatMessage(_Wire, frozen=True, kw_only=True):
    """A union: exactly one of the two is set."""

    user_input_message: UserInputMessage | None = None
    assistant_response_message: AssistantResponseMessage | None = None


class ConversationState(_Wire, frozen=True, kw_only=True):
    current_message: ChatMessage
    chat_trigger_type: Literal["MANUAL"]
    conversation_id: str
    history: list[ChatMessage] | None = None


# The bodies of the calls (protocol.md 1.5, 2.1).


class ChatRequest(_Wire, frozen=True, kw_only=True):
    """GenerateAssistantResponse; with `source` SendMessage. The additional fields are the kiro surface's alone."""

    conversation_state: ConversationState
    profile_arn: str | None = None
    additional_model_request_fields: Json | None = None
    source: str | None = None


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """InvokeMCP: JSON-RPC 2.0, with the service's one tool."""

    id: str
    params: dict[str, object]
    jsonrpc: Literal["2.0"] = "2.0"
    method: Literal["tools/call"] = "tools/call"


class ControlRequest(_Wire, frozen=True, kw_only=True):
    """ListAvailableModels, ListAvailableProfiles and GetUsageLimits: each takes some of these."""

    max_results: int | None = None
    next_token: str | None = None
    origin: str | None = None
    profile_arn: str | None = None


# What the backend streams (protocol.md 3.2). Every member is optional here: a missing one is no reason to fail.


class _Event(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base: unknown members are ignored."""


class AssistantResponsePayload(_Event, frozen=True):
    content: str | None = None
    model_id: str | None = None


class ReasoningPayload(_Event, frozen=True):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class ToolUsePayload(_Event, frozen=True):
    tool_use_id: str | None = None
    name: str | None = None
    input: Any = None
    stop: bool | None = None


class MessageMetadataPayload(_Event, frozen=True):
    conversation_id: str | None = None
    utterance_id: str | None = None


class TokenUsage(_Event, frozen=True):
    uncached_input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class MetadataPayload(_Event, frozen=True):
    token_usage: TokenUsage | None = None
    stop_reason: str | None = None


class MeteringPayload(_Event, frozen=True):
    usage: float | None = None
    unit: str | None = None


class ContextUsagePayload(_Event, frozen=True):
    context_usage_percentage: float | None = None


class FailurePayload(_Event, frozen=True):
    """An exception frame's payload and an HTTP error's body. `__type` is read apart."""

    message: str | None = None
    reason: str | None = None
    retry_after_milliseconds: float | None = None


# The sentences.

SYSTEM_ACKNOWLEDGEMENT = "I will follow these instructions."
"""The assistant's half of the fixed first history pair that carries the system text."""

NEUTRAL_USER_TEXT = "(no text)"
"""Stands where the backend demands user text and the client sent none. Never an imperative: models obey those."""

NEUTRAL_ASSISTANT_TEXT = " "
"""Stands where the backend demands assistant text: a space, because models copy words."""

IMAGE_ONLY_TEXT = "(see the attached image)"
"""The text beside pictures that came without any (backend-rules.md A1 2)."""

DOCUMENT_ONLY_TEXT = "(see the attached document)"
"""The same beside documents."""

FORCE_ANY_TOOL = "Answer this turn by calling one of the available tools. Do not answer in plain text."
"""`tool_choice: required`."""

FORCE_NAMED_TOOL = 'Answer this turn by calling the tool "{name}". Do not answer in plain text.'
"""A named tool choice; `name` is the name on the wire."""

FORBID_TOOLS = "Answer this turn in plain text. Do not call any tool."
"""`tool_choice: none` while the history needs its tools declared."""

FORCE_TOOL_AGAIN = (
    "You answered in text, but a tool call is required here. Write no text at all: call a tool, with your best guess "
    "for whatever is not known."
)
"""The user's turn after an answer without the call that was demanded; the demand follows it."""

JSON_ONLY = "Answer with one JSON object and nothing else: no prose, no code fence."
"""`response_format: json_object`."""

JSON_SCHEMA_ONLY = (
    "Answer with one JSON document and nothing else: no prose, no code fence. It must match this JSON Schema:\n{schema}"
)
"""`response_format: json_schema`; `schema` is the schema's JSON text, up to the end of the message."""

JSON_REPAIR = "That answer cannot be used: {problem}. Give the whole answer again, corrected."
"""The user's turn after an answer that is not the JSON that was demanded; the demand follows it."""

STUB_TOOL_DESCRIPTION = "Was used earlier in this conversation and is not available any more. Do not call it."
"""The description of a tool that only the history knows (backend-rules.md A2 21)."""

MISSING_TOOL_RESULT = "(no result: the call was cancelled)"
"""The result, with status `error`, of a call that the client sent none for (backend-rules.md A2 16)."""

EMPTY_TOOL_RESULT = "(no output)"
"""The text of a tool result that has none."""

TOOL_USE_AS_TEXT = '[Earlier call of the tool "{name}" with {arguments}]'
"""A tool call of the history in a request that declares no tools."""

TOOL_RESULT_AS_TEXT = '[Result of the tool "{name}"]\n{text}'
"""A tool result of the history in a request that declares no tools, or one that answers no call."""

TOOL_FAILURE_AS_TEXT = '[The tool "{name}" failed]\n{text}'
"""The same for a result that the client marked as failed."""

TOOL_DESCRIPTION_REST = 'The description of the tool "{name}" continues:\n{rest}'
"""What did not fit into a tool's description (backend-rules.md A3 31); stands at the end of the system text."""

CLAMPED_TEXT = "\n\n[{count} characters are missing here: the text was too long for the backend]\n\n"
"""Stands in the middle of a text that was cut (backend-rules.md A1 12)."""

OMITTED_IMAGE = "[an image is missing here: it was too large, too many images followed it, or this model takes none]"
"""Stands for an older picture that the request may not carry any more (backend-rules.md A5 63-65)."""

OMITTED_DOCUMENT = '[the document "{name}" is missing here: too many followed it, or this model takes none]'
"""The same for a document (backend-rules.md A5 65)."""
