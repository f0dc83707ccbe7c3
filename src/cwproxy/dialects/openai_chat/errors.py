"""How OpenAI's clients are told of a failure (compatibility.md 1.5, 1.8)."""

from typing import Final

import msgspec

from cwproxy.inbound.failures import Failure


class OpenAiEnvelope:
    """`{"error": {"message", "type", "param", "code"}}`. The request id is in a header only."""

    id_headers: Final = ("x-request-id",)
    timing_header: Final = "openai-processing-ms"
    ping: Final = b": ping\n\n"

    def status(self, failure: Failure) -> int:
        return failure.status

    def body(self, failure: Failure, request_id: str) -> bytes:
        told = {"message": failure.message, "type": failure.type, "param": failure.param, "code": failure.code}
        return msgspec.json.encode({"error": told})

    def event(self, failure: Failure, request_id: str) -> bytes:
        """The same inside a stream whose status has been sent. Nothing may follow it."""
        return b"data: " + self.body(failure, request_id) + b"\n\n"


ENVELOPE: Final = OpenAiEnvelope()
