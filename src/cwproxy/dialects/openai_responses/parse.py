"""Bytes of a Responses request -> `ResponsesRequest`, in two steps.

`read` knows what it says; what it refers to (an earlier response, items) has to be looked up, and `Draft.asked` then
makes the conversation. What becomes of each parameter is said in `parameters` (compatibility.md 2.1, 3.2).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final, NoReturn

import msgspec
from msgspec.structs import replace

from cwproxy.conversation import Conversation, JsonAnswer, SystemTurn, Turn
from cwproxy.dialects.openai_responses import items
from cwproxy.dialects.openai_responses.complete import complete
from cwproxy.dialects.openai_responses.echo import echo
from cwproxy.dialects.openai_responses.items import Item, Turns
from cwproxy.dialects.openai_responses.parameters import TABLE
from cwproxy.dialects.openai_responses.render import Renderer
from cwproxy.dialects.openai_responses.schema import Request
from cwproxy.dialects.openai_responses.shape import ID_PREFIX, Frame, Shape, response_of
from cwproxy.dialects.openai_responses.tools import offer
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import offers
from cwproxy.inbound.decode import decoder, document
from cwproxy.inbound.parameters import effects
from cwproxy.reply import Reply, Usage

ENCRYPTED: Final = "reasoning.encrypted_content"

_decode = decoder(Request)


class Past(msgspec.Struct, frozen=True):
    """What was looked up: the items of the responses that this one follows, oldest first, and kept items by id."""

    items: tuple[msgspec.Raw, ...] = ()
    kept: Mapping[str, bytes] = msgspec.field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the items."""
        return sum(len(bytes(item)) for item in self.items)


class ResponsesRequest(msgspec.Struct, frozen=True):
    """A request in our own terms.

    ignored, emulated: names of parameters, for the response headers. store: the answer is to be kept. input: the items
    of the request, its own ones, references resolved. previous: the response that it follows. clock: epoch seconds.
    """

    conversations: tuple[Conversation]
    model: str
    stream: bool
    shape: Shape
    ignored: tuple[str, ...]
    emulated: tuple[str, ...]
    store: bool
    input: tuple[bytes, ...]
    previous: str | None
    clock: Callable[[], float]
    effort_name: ClassVar[str] = "reasoning"
    id_prefix: ClassVar[str] = ID_PREFIX

    def called(self, name: str) -> "ResponsesRequest":
        """The same, as a part of the conversation that the client calls so."""
        return replace(self, conversations=(replace(self.conversations[0], name=name),))

    def renderer(self, *, id: str, created: int) -> Renderer:
        """For the stream."""
        return Renderer(Frame(id, created, self.model, self.shape), clock=self.clock)

    def chorus(self, *, id: str, created: int) -> NoReturn:
        """There is no asking for several choices."""
        raise ValueError("a response has no choices")

    def complete(self, replies: Sequence[Reply], *, id: str, created: int) -> bytes:
        """The whole answer."""
        return complete(replies[0], Frame(id, created, self.model, self.shape), completed=int(self.clock()))

    def usage(self, replies: Sequence[Reply]) -> Usage:
        return replies[0].usage


class Draft(msgspec.Struct, frozen=True):
    """A request that is understood, but for what it refers to.

    previous: the id of the response that it follows. references: ids of items, as often as they are named. responses:
    ids of those that they are taken from. store: the answer is to be kept.
    """

    request: Request
    echo: Mapping[str, object]
    input: tuple[Item, ...]
    previous: str | None
    references: tuple[str, ...]
    responses: frozenset[str]
    store: bool

    def conversation(self, past: Past) -> Conversation:
        """Raises InvalidRequest."""
        return self._read(past)[0]

    def asked(self, past: Past, *, clock: Callable[[], float]) -> ResponsesRequest:
        """Raises InvalidRequest for what cannot be served as written."""
        request = self.request
        found = effects(request, TABLE)
        conversation, shape, own, left_out = self._read(past)
        unmet = left_out if conversation.tool_choice.mode == "auto" else ()
        return ResponsesRequest(
            (conversation,),
            conversation.model,
            bool(request.stream),
            shape,
            (*found.ignored, *left_out),
            (*(name for name in found.emulated if name not in unmet), *(["tools[custom]"] if shape.custom else [])),
            self.store,
            own,
            self.previous,
            clock,
        )

    def _read(self, past: Past) -> tuple[Conversation, Shape, tuple[bytes, ...], list[str]]:
        request = self.request
        own = tuple(items.resolved(self.input, past.kept))
        told = [*(items.item("previous_response_id", bytes(raw)) for raw in past.items), *own]
        listed = [(f"tools[{index}]", bytes(raw)) for index, raw in enumerate(request.tools or ())]
        tools = offer(listed, request.tool_choice, items.tools_in(told))
        reader = Turns({own: flat for flat, own in tools.names.items()})
        turns: list[Turn] = [SystemTurn(request.instructions)] if request.instructions else []
        turns += reader.of(told)
        conversation = Conversation(
            request.model or "",
            tuple(turns),
            tools.tools,
            tools.choice,
            _json_answer(request),
            max_tokens=request.max_output_tokens,
            effort=request.reasoning.effort if request.reasoning is not None else None,
            parallel=request.parallel_tool_calls is not False,
        )
        shape = Shape(
            tools.choice.mode != "none",
            tools.custom,
            tools.names,
            _summary(request),
            ENCRYPTED in (request.include or ()) or self.store,
            self.echo,
        )
        left_out = [f"tools[{kind}]" for kind in tools.foreign]
        left_out += [] if tools.whole else ["tool_choice"]
        left_out += [f"input[{kind}]" for kind in offers.kinds(reader.unknown)]
        return conversation, shape, tuple(item.raw for item in own), left_out


def read(body: bytes, *, keeps: bool = True, counted: bool = False) -> Draft:
    """Raises InvalidRequest for what cannot be served as written; never anything else, whatever the bytes.

    keeps: answers can be kept here. counted: nobody is to answer it, so it need not say which model.
    """
    request = _decode(body)
    if not (request.model or counted):
        raise InvalidRequest("`model` is missing.", param="model", code="missing_required_parameter")
    effects(request, TABLE)
    given = request.input
    if isinstance(given, str):
        told: tuple[Item, ...] = (items.item("input", items.message(given)),)
    else:
        told = tuple(items.item(f"input[{index}]", bytes(raw)) for index, raw in enumerate(given or ()))
    if not told and request.previous_response_id is None:
        raise InvalidRequest(
            "`input` must be a text or hold at least one item.", param="input", code="missing_required_parameter"
        )
    references = tuple(items.references(told))
    responses = frozenset(found for id in references if (found := response_of(id)) is not None)
    store = keeps and request.store is not False
    shown = echo(body, request, store=store)
    return Draft(request, shown, told, request.previous_response_id, references, responses, store)


def _json_answer(request: Request) -> JsonAnswer | None:
    format = request.text.format if request.text is not None else None
    if format is None or format.type == "text":
        return None
    if format.type == "json_object":
        return JsonAnswer()
    if format.type != "json_schema":
        raise InvalidRequest(
            f"`text.format.type` is {format.type[:40]!r}; use text, json_object or json_schema.",
            param="text.format.type",
        )
    schema = bytes(format.schema)
    return JsonAnswer(document(schema, "text.format.schema") if schema not in (b"", b"null") else None)


def _summary(request: Request) -> bool:
    reasoning = request.reasoning
    wanted = (reasoning.summary or reasoning.generate_summary) if reasoning is not None else None
    return wanted is not None and wanted != "none"
