"""What the streamed and the whole form of a message share: its shape, its end and its usage."""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from cwproxy.reply import Found, StopReason, Usage

Ending: TypeAlias = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "model_context_window_exceeded"
]


class Shape(msgspec.Struct, frozen=True):
    """How the request wants to be answered.

    calls: whether tool calls may be shown (not with `tool_choice: none`). thinking: how reasoning is shown; `omitted`
    leaves only its signature.
    """

    calls: bool = True
    thinking: Literal["hidden", "shown", "omitted"] = "hidden"


PLAIN: Final = Shape()


class Caller(msgspec.Struct, frozen=True, tag="direct"):
    """Who made a tool call: the model itself."""


DIRECT: Final = Caller()


class SearchInput(msgspec.Struct, frozen=True):
    query: str


class SearchUse(msgspec.Struct, frozen=True, tag="server_tool_use"):
    """The call of a search that has been made here."""

    id: str
    input: SearchInput | dict[str, str]
    name: Literal["web_search"] = "web_search"
    caller: Caller = DIRECT


class SearchPage(msgspec.Struct, frozen=True, tag="web_search_result"):
    """What Anthropic encrypts for its own models to read again is empty."""

    title: str
    url: str
    page_age: str | None = None
    encrypted_content: str = ""


class SearchResult(msgspec.Struct, frozen=True, tag="web_search_tool_result"):
    tool_use_id: str
    content: list[SearchPage]
    caller: Caller = DIRECT


def search_result(id: str, found: Iterable[Found]) -> SearchResult:
    return SearchResult(id, [SearchPage(page.title, page.url, page.published) for page in found])


class SearchUsage(msgspec.Struct, frozen=True):
    web_search_requests: int
    web_fetch_requests: int = 0


class OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: int = 0


class MessageUsage(msgspec.Struct, frozen=True):
    """Anthropic counts what came from the cache apart from the input. What is not known is null; it has to be there."""

    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    output_tokens_details: OutputDetails = OutputDetails()
    cache_creation: None = None
    server_tool_use: SearchUsage | None = None
    service_tier: None = None
    inference_geo: None = None


def usage_object(usage: Usage, searches: int = 0) -> MessageUsage:
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    return MessageUsage(
        max(0, usage.input_tokens - read - written),
        usage.output_tokens,
        written,
        read,
        OutputDetails(usage.reasoning_tokens),
        server_tool_use=SearchUsage(searches) if searches else None,
    )


def ending(reason: StopReason, *, called: bool) -> Ending:
    """Anthropic's word for the end. A message that shows a call ends with `tool_use`, else agents would not run it."""
    match reason:
        case StopReason.END_TURN | StopReason.TOOL_USE:
            return "tool_use" if called else "end_turn"
        case StopReason.STOP_SEQUENCE:
            return "tool_use" if called else "stop_sequence"
        case StopReason.MAX_TOKENS:
            return "max_tokens"
        case StopReason.CONTEXT_WINDOW:
            return "model_context_window_exceeded"
        case StopReason.CONTENT_FILTER:
            return "refusal"
        case _:
            assert_never(reason)
