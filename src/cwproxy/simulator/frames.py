"""The frames that the service sends (protocol.md 3.1, 3.6), from plain values."""

import json
from typing import Any

from cwproxy.eventstream import encode


def event_frame(event_type: str, payload: dict[str, Any]) -> bytes:
    return raw_event_frame(event_type, _json(payload))


def raw_event_frame(event_type: str, payload: bytes) -> bytes:
    """For payloads that are not JSON on purpose."""
    return encode({":event-type": event_type, ":content-type": "application/json", ":message-type": "event"}, payload)


def exception_frame(name: str, message: str, reason: str | None, *, wait: int | None = None) -> bytes:
    """wait: milliseconds, for the kiro surface's throttlingError."""
    payload: dict[str, Any] = {"message": message, "reason": reason}
    if wait is not None:
        payload["retryAfterMilliseconds"] = wait
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return encode(headers, _json(payload))


def error_frame(code: str, message: str) -> bytes:
    """An unmodelled error: two headers and no payload."""
    return encode({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


def _json(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
