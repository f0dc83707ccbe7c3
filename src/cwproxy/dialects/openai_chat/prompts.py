"""The older `/v1/completions`, as a thin form of chat: every prompt is one user message.

The model is a chat model and answers the prompt rather than continuing it.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from cwproxy.conversation import Conversation, Text, UserTurn
from cwproxy.dialects.openai_chat.choices import Chorus
from cwproxy.dialects.openai_chat.parameters import TABLE, effects
from cwproxy.dialects.openai_chat.parse import MAX_CHOICES, choices_wanted, stops
from cwproxy.dialects.openai_chat.schema import Bias, Count, Penalty, Share, Stops, StreamOptions
from cwproxy.dialects.openai_chat.shape import (
    PLAIN,
    ChatUsage,
    FinishReason,
    finish_reason,
    total,
    usage_object,
)
from cwproxy.errors import InvalidRequest
from cwproxy.inbound.decode import decoder
from cwproxy.inbound.parameters import Kind, Parameter
from cwproxy.reply import Finished, Reply, ReplyEvent, TextDelta, TextPart, Usage


class PromptRequest(msgspec.Struct):
    """Types and ranges of every parameter."""

    model: str | None = None
    prompt: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Count | None = None
    stop: Stops | None = None
    max_tokens: Count | None = None
    suffix: str | None = None
    echo: bool | None = None
    best_of: Count | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: int | None = None
    logit_bias: dict[str, Bias] | None = None
    user: str | None = None


OWN: Final = (
    Parameter("prompt", Kind.HONOURED, "Text, or a list of texts with one choice each; token numbers are refused."),
    Parameter("suffix", Kind.REFUSED, "The model cannot insert text.", bool),
    Parameter("echo", Kind.REFUSED, "The prompt is not repeated.", bool),
    Parameter("best_of", Kind.REFUSED, "Nothing tells which of several answers is best.", lambda value: value != 1),
    Parameter("logprobs", Kind.IGNORED, "The backend tells none; `logprobs` is null."),
)
"""What the two endpoints do not share."""

_NAMES: Final = frozenset(PromptRequest.__struct_fields__)

PROMPT_TABLE: Final = (
    *OWN,
    *(row for row in TABLE if row.name in _NAMES and row.name not in {own.name for own in OWN}),
)

_decode = decoder(PromptRequest)
_encode = msgspec.json.Encoder().encode


class _TextChoice(msgspec.Struct, frozen=True):
    index: int
    text: str
    finish_reason: FinishReason | None
    logprobs: None = None


class _TextCompletion(msgspec.Struct, frozen=True):
    id: str
    created: int
    model: str
    choices: list[_TextChoice]
    usage: ChatUsage | None | msgspec.UnsetType = msgspec.UNSET
    object: Literal["text_completion"] = "text_completion"


class TextRequest(msgspec.Struct, frozen=True):
    """As `ChatRequest`. prompts: which prompt each of the conversations is."""

    conversations: tuple[Conversation, ...]
    prompts: tuple[int, ...]
    model: str
    stream: bool
    include_usage: bool
    ignored: tuple[str, ...]
    emulated: tuple[str, ...]
    id_prefix: ClassVar[str] = "cmpl-"
    effort_name: ClassVar[str] = "reasoning_effort"

    def called(self, name: str) -> "TextRequest":
        """The same, as parts of the conversation that the client calls so."""
        return replace(self, conversations=tuple(replace(each, name=name) for each in self.conversations))

    def renderer(self, *, id: str, created: int) -> "TextRenderer":
        """For the stream of a single choice."""
        empty = _TextCompletion(id, created, self.model, [])
        return TextRenderer(empty, include_usage=self.include_usage)

    def chorus(self, *, id: str, created: int) -> Chorus:
        """For the stream of several choices."""
        empty = _TextCompletion(id, created, self.model, [])
        voices = [
            TextRenderer(empty, include_usage=self.include_usage, index=index, alone=False)
            for index in range(len(self.conversations))
        ]
        return Chorus(voices, self.prompts)

    def complete(self, replies: Sequence[Reply], *, id: str, created: int) -> bytes:
        """The whole answer."""
        choices = []
        for index, reply in enumerate(replies):
            text = "".join(part.text for part in reply.parts if isinstance(part, TextPart))
            choices.append(_TextChoice(index, text, finish_reason(reply.reason, PLAIN, called=False)))
        return _encode(_TextCompletion(id, created, self.model, choices, usage_object(self.usage(replies))))

    def usage(self, replies: Sequence[Reply]) -> Usage:
        """Of all choices."""
        return total([reply.usage for reply in replies], self.prompts)


def parse_prompts(body: bytes, *, max_choices: int = MAX_CHOICES) -> TextRequest:
    """Raises InvalidRequest for what cannot be served as written; never anything else, whatever the bytes."""
    request = _decode(body)
    for name in ("model", "prompt"):
        if not getattr(request, name):
            raise InvalidRequest(f"`{name}` is missing.", param=name, code="missing_required_parameter")
    found = effects(request, PROMPT_TABLE)
    prompts = [request.prompt] if isinstance(request.prompt, str) else request.prompt or []
    each = choices_wanted(request.n, max_choices)
    choices_wanted(each * len(prompts), max_choices, "n" if each > 1 else "prompt")
    conversations = [
        Conversation(
            request.model or "",
            (UserTurn((Text(prompt),)),),
            stop=stops(request.stop),
            max_tokens=request.max_tokens,
        )
        for prompt in prompts
    ]
    return TextRequest(
        tuple(conversation for conversation in conversations for _ in range(each)),
        tuple(number for number in range(len(prompts)) for _ in range(each)),
        request.model or "",
        bool(request.stream),
        bool(request.stream_options and request.stream_options.include_usage),
        found.ignored,
        found.emulated,
    )


class TextRenderer:
    """One stream, as `render.Renderer`; reasoning and calls have no place in it."""

    def __init__(
        self, empty: _TextCompletion, *, include_usage: bool = False, index: int = 0, alone: bool = True
    ) -> None:
        self._empty = msgspec.structs.replace(empty, usage=None) if include_usage else empty
        self._include_usage = include_usage
        self._index = index
        self._alone = alone
        self.usage: Usage | None = None
        self.finished = False

    def feed(self, events: Iterable[ReplyEvent], /) -> bytes:
        """The chunks of one batch."""
        out: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                out.append(self._chunk(event.text, None))
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, Finished):
                out.append(self._chunk("", finish_reason(event.reason, PLAIN, called=False)))
                out.append(self.closing(self.usage) if self._alone else b"")
                self.finished = True
        return b"".join(out)

    def closing(self, usage: Usage | None, /) -> bytes:
        """What ends the stream after the last choice."""
        if not self._include_usage:
            return b"data: [DONE]\n\n"
        told = usage_object(usage or Usage(0, 0, "estimate"))
        return _event(msgspec.structs.replace(self._empty, usage=told)) + b"data: [DONE]\n\n"

    def _chunk(self, text: str, reason: FinishReason | None) -> bytes:
        return _event(msgspec.structs.replace(self._empty, choices=[_TextChoice(self._index, text, reason)]))


def _event(chunk: _TextCompletion) -> bytes:
    return b"data: " + _encode(chunk) + b"\n\n"
