"""How Anthropic's clients are told of a failure (compatibility.md 2.2)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from cwproxy.inbound.failures import Failure

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_STATUSES: Final[Mapping[str | None, int]] = {
    "insufficient_quota": 402,
    "model_overloaded": 529,
    "overloaded": 529,
    "server_shutdown": 529,
}
"""By code, where Anthropic has a status of its own for it. A used-up allowance as 429 would be tried again and again
(compatibility.md 5, 35).
"""

_TOO_LONG: Final = "prompt is too long: "
"""Words by which Claude Code knows that it has to compact the conversation (backend-rules.md A5 59)."""


class AnthropicEnvelope:
    """`{"type": "error", "error": {"type", "message"}, "request_id"}`."""

    id_headers: Final = ("request-id", "x-request-id")
    timing_header: Final = None
    ping: Final = b'event: ping\ndata: {"type":"ping"}\n\n'

    def status(self, failure: Failure) -> int:
        return _STATUSES.get(failure.code, failure.status)

    def body(self, failure: Failure, request_id: str) -> bytes:
        status = self.status(failure)
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        message = _TOO_LONG * (failure.code == "context_length_exceeded") + failure.message
        return msgspec.json.encode(
            {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
        )

    def event(self, failure: Failure, request_id: str) -> bytes:
        """The same inside a stream whose status has been sent. Nothing may follow it."""
        return b"event: error\ndata: " + self.body(failure, request_id) + b"\n\n"


ENVELOPE: Final = AnthropicEnvelope()
