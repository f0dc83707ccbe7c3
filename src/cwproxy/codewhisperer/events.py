"""What a frame says: `Frame` to `UpstreamEvent`, by the `:event-type` header and nothing else (backend-rules.md B1).

An event is the typed payload itself (`wire`). Types that carry nothing for an answer, and types that nobody knows
yet, become `Ignored`; every client of the service skips those (protocol.md 3.2).
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from cwproxy.codewhisperer import failures, jsontext
from cwproxy.codewhisperer.wire import (
    AssistantResponsePayload,
    ContextUsagePayload,
    MessageMetadataPayload,
    MetadataPayload,
    MeteringPayload,
    ReasoningPayload,
    ToolUsePayload,
)
from cwproxy.errors import BrokenStream
from cwproxy.eventstream import Frame, HeaderValue

KNOWN_TO_BE_OF_NO_USE: Final = frozenset(
    {
        "initial-response",
        "codeReferenceEvent",
        "codeEvent",
        "supplementaryWebLinksEvent",
        "followupPromptEvent",
        "intentsEvent",
        "interactionComponentsEvent",
        "citationEvent",
        "documentCitationEvent",
        "toolResultEvent",
        "dryRunSucceedEvent",
    }
)
"""Event types that the service is known to send and that have no place in an answer (protocol.md 3.2)."""


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """An event without meaning for us. `known` tells those of the list above from news."""

    event_type: str
    known: bool = False


UpstreamEvent: TypeAlias = (
    AssistantResponsePayload
    | ReasoningPayload
    | ToolUsePayload
    | MessageMetadataPayload
    | MetadataPayload
    | MeteringPayload
    | ContextUsagePayload
    | Ignored
)

_Payload: TypeAlias = (
    type[AssistantResponsePayload]
    | type[ReasoningPayload]
    | type[ToolUsePayload]
    | type[MessageMetadataPayload]
    | type[MetadataPayload]
    | type[MeteringPayload]
    | type[ContextUsagePayload]
)

_PAYLOADS: Final[Mapping[HeaderValue | None, _Payload]] = {
    "assistantResponseEvent": AssistantResponsePayload,
    "reasoningContentEvent": ReasoningPayload,
    "toolUseEvent": ToolUsePayload,
    "messageMetadataEvent": MessageMetadataPayload,
    "metadataEvent": MetadataPayload,
    "meteringEvent": MeteringPayload,
    "contextUsageEvent": ContextUsagePayload,
}
_DECODE = {name: msgspec.json.Decoder(payload).decode for name, payload in _PAYLOADS.items()}


def parse(frame: Frame) -> UpstreamEvent:
    """What the frame says.

    Raises what `failures.from_frame` makes of an exception or error frame, and BrokenStream for a payload that is not
    the JSON that its event type promises.
    """
    headers = frame.headers
    decode = _DECODE.get(headers.get(":event-type"))
    if decode is None or headers.get(":message-type", "event") != "event":
        return _other(frame)
    try:
        return decode(frame.payload)
    except (ValueError, RecursionError):
        return _repaired(frame)


def _other(frame: Frame) -> Ignored:
    kind, event_type = frame.headers.get(":message-type", "event"), frame.headers.get(":event-type")
    if kind in ("exception", "error") or event_type == "invalidStateEvent":
        raise failures.from_frame(frame)
    if kind != "event":
        raise BrokenStream("The backend sent a message that is neither event, exception nor error.")
    name = event_type if isinstance(event_type, str) else ""
    return Ignored(name, name in KNOWN_TO_BE_OF_NO_USE)


def _repaired(frame: Frame) -> UpstreamEvent:
    """For damaged text inside sound JSON, and for whole numbers written as 12.0."""
    event_type = frame.headers[":event-type"]
    try:
        return msgspec.convert(jsontext.parse(frame.payload), _PAYLOADS[event_type], strict=False)
    except ValueError as error:
        raise BrokenStream(f"The backend sent a {event_type!s} that cannot be read.") from error
