"""Bytes of a Chat Completions request -> `ChatRequest`.

What only tunes sampling is type-checked, left out and listed in `ignored`; what is asked of the model in words is
listed in `emulated`; what would change the shape of the answer and cannot be served is refused
(compatibility.md 3.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cwproxy.conversation import Conversation, JsonAnswer
from cwproxy.dialects.openai_chat.decode import decode, document
from cwproxy.dialects.openai_chat.history import told
from cwproxy.dialects.openai_chat.messages import turns
from cwproxy.dialects.openai_chat.schema import Request, ResponseFormat
from cwproxy.dialects.openai_chat.shape import Shape
from cwproxy.dialects.openai_chat.tools import Offer, offer
from cwproxy.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request in our own terms.

    ignored, emulated: names of parameters, for the response headers.
    """

    conversation: Conversation
    model: str
    stream: bool
    include_usage: bool
    shape: Shape
    ignored: tuple[str, ...]
    emulated: tuple[str, ...]


def parse(body: bytes) -> ChatRequest:
    """Raises InvalidRequest for what cannot be served as written; never anything else, whatever the bytes."""
    request = decode(body)
    if not request.model:
        raise InvalidRequest("`model` is missing.", param="model", code="missing_required_parameter")
    messages = tuple(told(request))
    if not messages:
        raise InvalidRequest(
            "`messages` must hold at least one message.", param="messages", code="missing_required_parameter"
        )
    _refuse_impossible(request)
    tools = offer(request)
    conversation = Conversation(
        request.model,
        turns(messages),
        tools.tools,
        tools.choice,
        _json_answer(request.response_format),
    )
    return ChatRequest(
        conversation,
        request.model,
        bool(request.stream),
        bool(request.stream_options and request.stream_options.include_usage),
        Shape(_call_limit(request, tools), tools.legacy, conversation.answer is not None),
        tuple(_ignored(request)),
        tuple(_emulated(request, conversation)),
    )


def _refuse_impossible(request: Request) -> None:
    if request.n is not None and request.n != 1:
        raise InvalidRequest(
            f"`n` is {request.n}, but only one choice per request can be made; send n=1 or several requests.",
            param="n",
            code="unsupported_value",
        )
    if request.modalities is not None and "audio" in request.modalities:
        raise InvalidRequest(
            "`modalities` asks for audio, which the model cannot make; ask for text only.",
            param="modalities",
            code="unsupported_value",
        )


def _json_answer(wanted: ResponseFormat | None) -> JsonAnswer | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return JsonAnswer()
    if wanted.type != "json_schema":
        raise InvalidRequest(
            f"`response_format.type` is {wanted.type[:40]!r}; use text, json_object or json_schema.",
            param="response_format.type",
        )
    if wanted.json_schema is None:
        raise InvalidRequest(
            "`response_format.json_schema` is missing.",
            param="response_format.json_schema",
            code="missing_required_parameter",
        )
    raw = bytes(wanted.json_schema.schema)
    return JsonAnswer(document(raw, "response_format.json_schema.schema") if raw not in (b"", b"null") else None)


def _call_limit(request: Request, tools: Offer) -> int | None:
    if tools.choice.mode == "none":
        return 0
    return 1 if tools.legacy or request.parallel_tool_calls is False else None


def _ignored(request: Request) -> Iterator[str]:
    for name in (
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "logit_bias",
        "top_logprobs",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
    ):
        if getattr(request, name) is not None:
            yield name
    if request.logprobs:
        yield "logprobs"


def _emulated(request: Request, conversation: Conversation) -> Iterator[str]:
    if conversation.tool_choice.mode != "auto":
        yield "function_call" if request.tools is None and request.functions is not None else "tool_choice"
    if request.parallel_tool_calls is False:
        yield "parallel_tool_calls"
    if conversation.answer is not None:
        yield "response_format"
