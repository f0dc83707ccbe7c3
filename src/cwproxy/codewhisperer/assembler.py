"""From what the backend streams to a reply: `feed` each event, then `finish` at the end of the stream.

Tool calls are kept apart by their id, because calls may interleave (protocol.md 3.4). Nothing is repaired or
invented: a stream that stops inside a tool call, or before the answer was complete, is an error (architecture,
decided point 1; backend-rules.md B6-B9). Repeated texts are passed on as often as they come (B10).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, assert_never

import msgspec

from cwproxy.codewhisperer.events import Ignored, UpstreamEvent
from cwproxy.codewhisperer.tokens import estimate
from cwproxy.codewhisperer.wire import (
    AssistantResponsePayload,
    ContextUsagePayload,
    MessageMetadataPayload,
    MetadataPayload,
    MeteringPayload,
    ReasoningPayload,
    TokenUsage,
    ToolUsePayload,
)
from cwproxy.errors import EmptyReply, StreamTruncated, ToolUseTruncated
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSignature,
    ReasoningStarted,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextStarted,
    ToolArguments,
    ToolUseStarted,
    Usage,
)

_CLOSED: Final = -1
_MAX_ID_LENGTH: Final = 64

_MAX_PERCENTAGE: Final = 1_000.0
"""The meter's denominator is not the window's own (backend-rules.md B16), but what is far beyond is no measure."""

_OtherEvent: TypeAlias = (
    ReasoningPayload
    | ToolUsePayload
    | MessageMetadataPayload
    | MetadataPayload
    | MeteringPayload
    | ContextUsagePayload
    | Ignored
)

_STOP_REASONS: Final[Mapping[str | None, StopReason]] = {
    "MAX_TOKENS": StopReason.MAX_TOKENS,
    "CONTENT_FILTERED": StopReason.CONTENT_FILTER,
    "MODEL_CONTEXT_WINDOW_EXCEEDED": StopReason.CONTEXT_WINDOW,
}
"""The only ones believed: END_TURN has been seen with tool calls (protocol.md 3.3)."""


class _OpenToolUse:
    """A call whose `stop` has not come. `whole` when its arguments came as an object and are complete."""

    __slots__ = ("index", "said", "whole")

    def __init__(self, index: int) -> None:
        self.index = index
        self.said = False
        self.whole = False


class Assembler:
    """One answer.

    tool_names: the client's name of each tool, by its name on the wire; a name that is missing is passed on.
    input_tokens: the estimate for the request, or how to make it; needed only when the backend counts nothing.
    window: the model's context window in tokens, or None; makes the context meter a count.
    expects_trailer: whether this account's streams end with metadata, metering or a context meter. Where they do,
        text without any of these was cut off.
    ignored: how often each event without meaning came, by event type; `(late)` counts content after the end.
    saw_trailer: whether such a trailer came.
    over: a stop reason or the bill has come; whatever follows adds no content.
    """

    def __init__(
        self,
        tool_names: Mapping[str, str],
        *,
        input_tokens: int | Callable[[], int],
        window: int | None,
        expects_trailer: bool = True,
    ) -> None:
        self._tool_names = tool_names
        self._input_tokens = input_tokens
        self._window = window
        self._expects_trailer = expects_trailer
        self._parts = 0
        self._text = _CLOSED
        self._reasoning = _CLOSED
        self._tools: dict[str, _OpenToolUse] = {}
        self._ended_tools: set[str] = set()
        self._ids: set[str] = set()
        self._id_counts: dict[str, int] = {}
        self._said: list[str] = []
        self._thought: list[str] = []
        self._redacted = False
        self._stop_reason: str | None = None
        self._trailer_after = 0
        self.over = False
        self._tokens: TokenUsage | None = None
        self._percentage = 0.0
        self._credits: float | None = None
        self.ignored: Counter[str] = Counter()
        self.saw_trailer = False

    @property
    def input_tokens(self) -> int:
        """The estimate for the request."""
        return self._input_tokens if isinstance(self._input_tokens, int) else self._input_tokens()

    @property
    def whole(self) -> bool:
        """Whether the answer itself says that it is complete, so that no orderly end of the stream is needed: by a stop
        reason or the bill, else by a trailer with nothing behind it (backend-rules.md B8). A closed call says
        nothing of that: the next of several may have been on its way.
        """
        if self._tools:
            return False
        length = len(self._said) + len(self._thought)
        return self.over or self._stop_reason is not None or 0 < length == self._trailer_after

    def feed(self, event: UpstreamEvent) -> Iterable[ReplyEvent]:
        """What the event adds to the reply; often one piece, sometimes nothing."""
        if isinstance(event, AssistantResponsePayload):
            text = event.content
            if text and self._text != _CLOSED:
                self._said.append(text)
                return (TextDelta(self._text, text),)
            return self._on_text(text)
        return self._on_other(event)

    def finish(self) -> Iterable[ReplyEvent]:
        """The end of the last part, the usage and the reason.

        Raises ToolUseTruncated when a tool call is open, EmptyReply when nothing was said and nothing says that this
        was meant, and StreamTruncated when text came and no sign of its end.
        """
        self._require_whole()
        events = self._close_text() + self._close_reasoning()
        events.append(self._usage())
        reason = _STOP_REASONS.get(self._stop_reason, StopReason.END_TURN)
        events.append(Finished(StopReason.TOOL_USE if self._ids else reason))
        return events

    def _on_other(self, event: _OtherEvent) -> Iterable[ReplyEvent]:
        match event:
            case ToolUsePayload():
                return self._on_tool_use(event)
            case ReasoningPayload():
                return self._on_reasoning(event)
            case MetadataPayload():
                return self._on_metadata(event)
            case MeteringPayload():
                return self._on_metering(event)
            case ContextUsagePayload():
                self._on_context_usage(event)
            case MessageMetadataPayload():
                pass
            case Ignored():
                self.ignored[event.event_type] += 1
            case _:
                assert_never(event)
        return ()

    def _on_text(self, text: str | None) -> Iterable[ReplyEvent]:
        if not text or self._is_late():
            return ()
        events = self._close_reasoning()
        self._text = self._new_part()
        self._said.append(text)
        events += (TextStarted(self._text), TextDelta(self._text, text))
        return events

    def _on_reasoning(self, event: ReasoningPayload) -> Iterable[ReplyEvent]:
        if not (event.text or event.signature or event.redacted_content) or self._is_late():
            return ()
        events = self._close_text()
        if event.redacted_content:
            self._redacted = True
            index = self._new_part()
            events += [*self._close_reasoning(), ReasoningRedacted(index, event.redacted_content), PartEnded(index)]
        if not (event.text or event.signature):
            return events
        if self._reasoning == _CLOSED:
            self._reasoning = self._new_part()
            events.append(ReasoningStarted(self._reasoning))
        if event.text:
            self._thought.append(event.text)
            events.append(ReasoningDelta(self._reasoning, event.text))
        if event.signature:
            events.append(ReasoningSignature(self._reasoning, event.signature))
        return events

    def _on_tool_use(self, event: ToolUsePayload) -> Iterable[ReplyEvent]:
        if self._is_late():
            return ()
        key = event.tool_use_id or ""
        events: list[ReplyEvent] = []
        tool = self._tools.get(key)
        if tool is None:
            closes_again = event.stop and not event.input and key in self._ended_tools
            if not event.name or closes_again:
                self.ignored["toolUseEvent"] += 1
                return ()
            tool = self._start_tool(key, event.name, events)
        fragment = self._fragment(tool, event.input)
        if event.stop:
            del self._tools[key]
            self._ended_tools.add(key)
            fragment = fragment or ("" if tool.said else "{}")
        if fragment:
            tool.said = True
            self._said.append(fragment)
            events.append(ToolArguments(tool.index, fragment))
        if event.stop:
            events.append(PartEnded(tool.index))
        return events

    def _start_tool(self, key: str, name: str, events: list[ReplyEvent]) -> _OpenToolUse:
        events += self._close_text()
        events += self._close_reasoning()
        tool = self._tools[key] = _OpenToolUse(self._new_part())
        self._said.append(name)
        events.append(ToolUseStarted(tool.index, self._unused_id(key), self._tool_names.get(name, name)))
        return tool

    def _unused_id(self, key: str) -> str:
        """The backend's id, or one like it where it has been used in this reply (reliability.md 3 fault 47)."""
        chosen, count = key or "tooluse_1", self._id_counts.get(key, 1)
        while chosen in self._ids:
            count += 1
            suffix = f"_{count}"
            chosen = (key or "tooluse")[: _MAX_ID_LENGTH - len(suffix)] + suffix
        self._ids.add(chosen)
        self._id_counts[key] = count
        return chosen

    def _fragment(self, tool: _OpenToolUse, given: object) -> str:
        """The text that an event adds to the arguments; white space in front of them is of no use.

        An object is the whole of the arguments. An empty one is what a start without arguments looks like.
        """
        if isinstance(given, str):
            if tool.whole and given:
                self.ignored["toolUseEvent"] += 1
                return ""
            return given if tool.said else given.lstrip(" \t\r\n")
        if given is None or given == {}:
            return ""
        if tool.said:
            self.ignored["toolUseEvent"] += 1
            return ""
        tool.whole = True
        return msgspec.json.encode(given).decode()

    def _on_metadata(self, event: MetadataPayload) -> Iterable[ReplyEvent]:
        self._mark_trailer()
        if event.token_usage is not None:
            self._tokens = event.token_usage
        if not event.stop_reason:
            return ()
        self._stop_reason = event.stop_reason
        return self._end()

    def _on_metering(self, event: MeteringPayload) -> Iterable[ReplyEvent]:
        self._mark_trailer()
        if event.usage is not None:
            self._credits = (self._credits or 0.0) + event.usage
        return self._end() if self._said or self._thought else ()

    def _on_context_usage(self, event: ContextUsagePayload) -> None:
        percentage = event.context_usage_percentage
        if percentage is not None and 0 < percentage <= _MAX_PERCENTAGE:
            self._percentage = percentage
        self._mark_trailer()

    def _mark_trailer(self) -> None:
        self.saw_trailer = True
        self._trailer_after = len(self._said) + len(self._thought)

    def _end(self) -> Iterable[ReplyEvent]:
        """After a stop reason or the bill nothing belongs to the answer, except the rest of a call that is open."""
        if self._tools:
            return ()
        self.over = True
        return self._close_text() + self._close_reasoning()

    def _is_late(self) -> bool:
        if self.over:
            self.ignored["(late)"] += 1
        return self.over

    def _new_part(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _close_text(self) -> list[ReplyEvent]:
        if self._text == _CLOSED:
            return []
        ended, self._text = PartEnded(self._text), _CLOSED
        return [ended]

    def _close_reasoning(self) -> list[ReplyEvent]:
        if self._reasoning == _CLOSED:
            return []
        ended, self._reasoning = PartEnded(self._reasoning), _CLOSED
        return [ended]

    def _require_whole(self) -> None:
        if self._tools:
            raise ToolUseTruncated("The backend's answer stopped inside a tool call; its arguments are incomplete.")
        if self._stop_reason is not None or self._ended_tools:
            return
        length = len(self._said) + len(self._thought)
        if not length and not self._redacted:
            raise EmptyReply("The backend's answer ended without saying anything.")
        if self._expects_trailer and not (self.saw_trailer and self._trailer_after == length):
            raise StreamTruncated("The backend's answer stopped before its end.")

    def _usage(self) -> Usage:
        reasoning = estimate("".join(self._thought))
        output = estimate("".join(self._said)) + reasoning
        counted = self._tokens
        if counted is not None and counted.uncached_input_tokens is not None and counted.output_tokens is not None:
            fresh, said = counted.uncached_input_tokens, counted.output_tokens
            read, write = counted.cache_read_input_tokens or 0, counted.cache_write_input_tokens or 0
            if min(fresh, said, read, write) >= 0:
                return Usage(
                    input_tokens=fresh + read + write,
                    output_tokens=said,
                    source="backend",
                    cache_read_tokens=read,
                    cache_write_tokens=write,
                    reasoning_tokens=min(reasoning, said),
                    credits=self._credits,
                )
        if self._percentage and self._window:
            filled = round(self._percentage / 100 * self._window)
            return Usage(max(1, filled - output), output, "context", reasoning_tokens=reasoning, credits=self._credits)
        return Usage(self.input_tokens, output, "estimate", reasoning_tokens=reasoning, credits=self._credits)
