"""Bytes of a Chat Completions request -> `ChatRequest`.

What becomes of each parameter is said in `parameters`; here it is done (compatibility.md 3.2).
"""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from cwproxy.conversation import Conversation, JsonAnswer
from cwproxy.dialects.openai_chat.choices import Chorus
from cwproxy.dialects.openai_chat.complete import complete
from cwproxy.dialects.openai_chat.history import told
from cwproxy.dialects.openai_chat.messages import turns
from cwproxy.dialects.openai_chat.parameters import effects
from cwproxy.dialects.openai_chat.render import Renderer
from cwproxy.dialects.openai_chat.schema import Request, ResponseFormat
from cwproxy.dialects.openai_chat.shape import Shape, total
from cwproxy.dialects.openai_chat.tools import Offer, offer
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import decoder, document
from cwproxy.reply import Reply, Usage

MAX_CHOICES = 4
"""Choices per request where nothing else is configured: each is a call of the backend."""

_decode = decoder(Request, pieces="messages")


class ChatRequest(msgspec.Struct, frozen=True):
    """A request in our own terms.

    conversations: one for each choice that is wanted.
    ignored, emulated: names of parameters, for the response headers.
    """

    conversations: tuple[Conversation, ...]
    model: str
    stream: bool
    include_usage: bool
    shape: Shape
    ignored: tuple[str, ...]
    emulated: tuple[str, ...]
    id_prefix: ClassVar[str] = "chatcmpl-"
    effort_name: ClassVar[str] = "reasoning_effort"

    def called(self, name: str) -> "ChatRequest":
        """The same, as a part of the conversation that the client calls so."""
        return replace(self, conversations=(replace(self.conversations[0], name=name),) * len(self.conversations))

    def renderer(self, *, id: str, created: int) -> Renderer:
        """For the stream of a single choice."""
        return Renderer(id=id, created=created, model=self.model, include_usage=self.include_usage, shape=self.shape)

    def chorus(self, *, id: str, created: int) -> Chorus:
        """For the stream of several choices."""
        voices = [
            Renderer(
                id=id,
                created=created,
                model=self.model,
                include_usage=self.include_usage,
                shape=self.shape,
                index=index,
                alone=False,
            )
            for index in range(len(self.conversations))
        ]
        return Chorus(voices, [0] * len(voices))

    def complete(self, replies: Sequence[Reply], *, id: str, created: int) -> bytes:
        """The whole answer."""
        return complete(replies, id=id, created=created, model=self.model, shape=self.shape)

    def usage(self, replies: Sequence[Reply]) -> Usage:
        """Of all choices."""
        return total([reply.usage for reply in replies], [0] * len(replies))


def parse(body: bytes, *, max_choices: int = MAX_CHOICES) -> ChatRequest:
    """Raises InvalidRequest for what cannot be served as written; never anything else, whatever the bytes."""
    request = _decode(body)
    if not request.model:
        raise InvalidRequest("`model` is missing.", param="model", code="missing_required_parameter")
    messages = tuple(told(request))
    if not messages:
        raise InvalidRequest(
            "`messages` must hold at least one message.", param="messages", code="missing_required_parameter"
        )
    found = effects(request)
    choices = choices_wanted(request.n, max_choices)
    tools = offer(request)
    conversation = Conversation(
        request.model,
        turns(messages),
        tools.tools,
        tools.choice,
        _json_answer(request.response_format),
        stop=stops(request.stop),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        effort=request.reasoning_effort,
        parallel=request.parallel_tool_calls is not False and not tools.legacy,
    )
    return ChatRequest(
        (conversation,) * choices,
        request.model,
        bool(request.stream),
        bool(request.stream_options and request.stream_options.include_usage),
        Shape(_call_limit(request, tools), tools.legacy, tools.custom),
        (*found.ignored, *(f"tools[{kind}]" for kind in tools.foreign)),
        (*found.emulated, *(["tools[custom]"] if tools.custom else [])),
    )


def choices_wanted(n: int | None, limit: int, param: str = "n") -> int:
    """How many choices there are to be. Raises InvalidRequest above the limit."""
    if n is not None and n > limit:
        raise InvalidRequest(
            f"`{param}` asks for {n} choices, and at most {limit} are made for one request.",
            param=param,
            code="unsupported_value",
        )
    return n or 1


def stops(wanted: str | list[str] | None) -> tuple[str, ...]:
    """An empty string stops nothing."""
    return tuple(stop for stop in ([wanted] if isinstance(wanted, str) else wanted or ()) if stop)


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
