"""Bytes of a Messages request -> `MessagesRequest`.

What becomes of each parameter is said in `parameters`; here it is done (compatibility.md 2.2, 3.2).
"""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Literal, NoReturn

import msgspec
from msgspec.structs import replace

from cwproxy.conversation import (
    AssistantTurn,
    Conversation,
    JsonAnswer,
    Search,
    SystemTurn,
    Text,
    Turn,
    UserTurn,
)
from cwproxy.dialects.anthropic_messages.blocks import Blocks
from cwproxy.dialects.anthropic_messages.complete import complete
from cwproxy.dialects.anthropic_messages.parameters import TABLE
from cwproxy.dialects.anthropic_messages.render import Renderer
from cwproxy.dialects.anthropic_messages.schema import Format, Message, Request, Thinking, ToolSpec
from cwproxy.dialects.anthropic_messages.shape import Shape
from cwproxy.dialects.anthropic_messages.strange import without_members
from cwproxy.dialects.anthropic_messages.tools import Offer, offer
from cwproxy.errors import InvalidRequest
from cwproxy.inbound import offers
from cwproxy.inbound.decode import decoder, document
from cwproxy.inbound.parameters import effects
from cwproxy.reply import Reply, Usage

BILLING: Final = "x-anthropic-billing-header:"
"""How a line of Claude Code begins that is not meant for the model and changes with every version."""

SEARCHING: Final = "Perform a web search for the query:"
"""How the prompt of Claude Code's web search begins."""

_SEARCHING: Final = re.compile(rf"^[ \t]*{SEARCHING}", re.MULTILINE)
_REMINDERS: Final = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)

MAX_QUERY: Final = 1_000
"""Characters."""

LOW_BUDGET: Final = 4_096
MEDIUM_BUDGET: Final = 12_288
"""Thinking tokens up to which an effort is low and medium."""

_NOTHING: Final = (Text(""),)

_decode = decoder(Request, pieces="messages")


class MessagesRequest(msgspec.Struct, frozen=True):
    """A request in our own terms.

    input_tokens: the estimate for a stream, 0 for a whole answer.
    ignored, emulated: names of parameters, for the response headers.
    """

    conversations: tuple[Conversation]
    model: str
    stream: bool
    shape: Shape
    ignored: tuple[str, ...]
    emulated: tuple[str, ...]
    effort_name: str
    input_tokens: int
    id_prefix: ClassVar[str] = "msg_"

    def called(self, name: str) -> "MessagesRequest":
        """The same, as a part of the conversation that the client calls so."""
        return replace(self, conversations=(replace(self.conversations[0], name=name),))

    def renderer(self, *, id: str, created: int) -> Renderer:
        """For the stream."""
        return Renderer(id=id, model=self.model, input_tokens=self.input_tokens, shape=self.shape)

    def chorus(self, *, id: str, created: int) -> NoReturn:
        """There is no asking for several choices."""
        raise ValueError("a message has no choices")

    def complete(self, replies: Sequence[Reply], *, id: str, created: int) -> bytes:
        """The whole answer."""
        return complete(replies[0], id=id, model=self.model, shape=self.shape)

    def usage(self, replies: Sequence[Reply]) -> Usage:
        return replies[0].usage


def parse(body: bytes, *, max_choices: int = 1, estimate: Callable[[Conversation], int]) -> MessagesRequest:
    """Raises InvalidRequest for what cannot be served as written; never anything else, whatever the bytes.

    estimate: tokens of a conversation, which a stream has to name before the backend has counted.
    """
    request = _read(body)
    if request.max_tokens is None:
        raise _missing("max_tokens")
    found = effects(request, TABLE)
    blocks = Blocks()
    tools = offer(request)
    conversation = _conversation(request, tools, blocks)
    left_out = [f"tools[{kind}]" for kind in tools.foreign]
    left_out += _unsearched(tools, conversation)
    left_out += ["tool_choice"] * tools.unforced
    left_out += [f"content[{kind}]" for kind in offers.kinds(blocks.unknown)]
    stream = bool(request.stream)
    return MessagesRequest(
        (conversation,),
        conversation.model,
        stream,
        Shape(tools.choice.mode != "none", _shown(request.thinking)),
        (*found.ignored, *left_out),
        (
            *(name for name in found.emulated if name not in left_out),
            *(["output_config"] if conversation.answer and not request.output_format else []),
        ),
        "thinking" if request.thinking is not None and conversation.thinks else "output_config",
        estimate(conversation) if stream else 0,
    )


def parse_count(body: bytes, *, estimate: Callable[[Conversation], int]) -> int:
    """Tokens of a request to `count_tokens`, by estimate. Raises InvalidRequest."""
    request = _read(body)
    return estimate(_conversation(request, offer(request), Blocks()))


def _conversation(request: Request, tools: Offer, blocks: Blocks) -> Conversation:
    if not request.model:
        raise _missing("model")
    if not request.messages:
        raise InvalidRequest(
            "`messages` must hold at least one message.", param="messages", code="missing_required_parameter"
        )
    turns: list[Turn] = [SystemTurn(text) for text in _system(request, blocks)]
    turns += (turn for index, message in enumerate(request.messages) for turn in _turns(message, index, blocks))
    return Conversation(
        request.model,
        tuple(turns),
        tools.tools,
        tools.choice,
        _json_answer(request),
        stop=tuple(stop for stop in request.stop_sequences or () if stop),
        max_tokens=request.max_tokens,
        effort=_effort(request),
        thinks=not (_disabled(request.thinking) and _named_effort(request) is not None),
        parallel=tools.parallel,
        search=_search(turns, tools.search),
        any_version=True,
    )


def _read(body: bytes) -> Request:
    try:
        return _decode(body)
    except InvalidRequest:
        known = without_members(body)
        if known is None:
            raise
        return _decode(known)


def _search(turns: Sequence[Turn], tool: ToolSpec | None) -> Search | None:
    if tool is None or not _may_search(tool):
        return None
    query = _query(turns)
    return Search(query, tuple(tool.allowed_domains or ()), tuple(tool.blocked_domains or ())) if query else None


def _may_search(tool: ToolSpec) -> bool:
    return tool.max_uses is None or tool.max_uses > 0


def _query(turns: Sequence[Turn]) -> str:
    """What is to be looked up: the user's last words, without Claude Code's own before them."""
    last = next((turn for turn in reversed(turns) if isinstance(turn, UserTurn)), UserTurn(()))
    texts = [part.text for part in last.parts if isinstance(part, Text)]
    asked = next((_SEARCHING.split(text, 1)[1] for text in texts if _SEARCHING.search(text)), "\n".join(texts))
    return _REMINDERS.sub("", asked).strip()[:MAX_QUERY]


def _unsearched(tools: Offer, conversation: Conversation) -> list[str]:
    """What of a search has no effect."""
    tool = tools.search
    if tool is None or not _may_search(tool):
        return []
    if conversation.search is None:
        return ["tools[web_search]"]
    return ["tools[web_search].user_location"] if bytes(tool.user_location) not in (b"", b"null") else []


def _system(request: Request, blocks: Blocks) -> list[str]:
    told: list[str] = []
    for text in blocks.text(request.system, "system"):
        billing, _, rest = text.partition("\n")
        if not billing.startswith(BILLING):
            told.append(text)
        elif rest:
            told.append(rest)
    return told


def _turns(message: Message, index: int, blocks: Blocks) -> list[Turn]:
    path = f"messages[{index}].content"
    match message.role:
        case "user":
            return [UserTurn(tuple(blocks.user(message.content, path)) or _NOTHING)]
        case "assistant":
            return [AssistantTurn(tuple(blocks.assistant(message.content, path)) or _NOTHING)]
        case "system" | "developer":
            return [SystemTurn(text) for text in blocks.text(message.content, path)]
        case role:
            raise InvalidRequest(
                f"`messages[{index}].role` is {role[:40]!r}; use user, assistant or system.",
                param=f"messages[{index}].role",
            )


def _json_answer(request: Request) -> JsonAnswer | None:
    config = request.output_config
    if config is not None and config.format is not None:
        return _schema(config.format, "output_config.format")
    return _schema(request.output_format, "output_format") if request.output_format is not None else None


def _schema(wanted: Format, path: str) -> JsonAnswer | None:
    if wanted.type == "text":
        return None
    if wanted.type != "json_schema":
        raise InvalidRequest(f"`{path}.type` is {wanted.type[:40]!r}; use json_schema.", param=f"{path}.type")
    if not bytes(wanted.schema):
        raise _missing(f"{path}.schema")
    return JsonAnswer(document(bytes(wanted.schema), f"{path}.schema"))


def _effort(request: Request) -> str | None:
    """How much to think: a word where there is one, else one for the budget (protocol.md 6.3)."""
    named, thinking = _named_effort(request), request.thinking
    if thinking is None:
        return named
    if _disabled(thinking):
        return named or "none"
    budget = thinking.budget_tokens
    if named is not None or budget is None:
        return named or "high"
    return "low" if budget <= LOW_BUDGET else "medium" if budget <= MEDIUM_BUDGET else "high"


def _named_effort(request: Request) -> str | None:
    return request.output_config.effort if request.output_config is not None else None


def _disabled(thinking: Thinking | None) -> bool:
    return thinking is not None and thinking.type == "disabled"


def _shown(thinking: Thinking | None) -> Literal["hidden", "shown", "omitted"]:
    if thinking is None or _disabled(thinking):
        return "hidden"
    return "omitted" if thinking.display == "omitted" else "shown"


def _missing(param: str) -> InvalidRequest:
    return InvalidRequest(f"`{param}` is missing.", param=param, code="missing_required_parameter")
