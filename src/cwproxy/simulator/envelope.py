"""How AWS says no: the error envelope of each wire generation (protocol.md 4.1, backend-rules.md A)."""

import json
from dataclasses import dataclass, field
from typing import Literal

Envelope = Literal["aws-json", "rest-json", "kiro"]

_NAMESPACES: dict[Envelope, str] = {
    "aws-json": "com.amazon.aws.codewhisperer",
    "rest-json": "com.amazon.aws.codewhisperer",
    "kiro": "com.amazon.kiro.runtimeservice",
}
_HEADER_SUFFIXES: dict[Envelope, str] = {
    "aws-json": ":http://internal.amazon.com/coral/com.amazon.aws.codewhisperer/",
    "rest-json": ":http://internal.amazon.com/coral/com.amazon.coral.validate/",
    "kiro": "",
}
_CONTENT_TYPES: dict[Envelope, str] = {
    "aws-json": "application/x-amz-json-1.0",
    "rest-json": "application/json",
    "kiro": "application/x-amz-json-1.0",
}
_CORAL_ERRORS = frozenset(
    {
        "UnknownOperationException",
        "SerializationException",
        "InvalidSignatureException",
        "IncompleteSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
"""Raised by the framework in front of the service, so they carry its namespace and not the service's."""


@dataclass(frozen=True, slots=True)
class ServiceError:
    """One modelled exception, before it is written down for a surface.

    error: bare exception name; reason: the service's reason code or None; retry_after_milliseconds: body member of
    the kiro surface's ThrottlingException (protocol.md 4.1).
    """

    status: int
    error: str
    message: str
    reason: str | None = None
    retry_after_milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer. `headers` are in wire order."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""
    """What the request log shall say of it."""


class Refused(Exception):
    """Leaves the handling of a request with a modelled error."""

    def __init__(self, error: ServiceError, *, rule: int | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.rule = rule


def error_reply(error: ServiceError, envelope: Envelope, *, rule: int | None = None) -> Reply:
    """Both the header and `__type`, always (protocol.md 4.1: either kind of client then finds the name)."""
    namespace = "com.amazon.coral.service" if error.error in _CORAL_ERRORS else _NAMESPACES[envelope]
    body: dict[str, object] = {
        "__type": f"{namespace}#{error.error}",
        "message": error.message,
        "reason": error.reason,
    }
    if error.retry_after_milliseconds is not None:
        body["retryAfterMilliseconds"] = error.retry_after_milliseconds
    note = f"{error.error}: {error.message}" + (f" (rule {rule})" if rule is not None else "")
    return Reply(
        status=error.status,
        body=json.dumps(body).encode(),
        headers=[
            ("content-type", _CONTENT_TYPES[envelope]),
            ("x-amzn-errortype", error.error + _HEADER_SUFFIXES[envelope]),
        ],
        note=note,
    )


def json_reply(payload: object, envelope: Envelope = "rest-json") -> Reply:
    """A 200 with a JSON document."""
    return Reply(200, json.dumps(payload).encode(), [("content-type", _CONTENT_TYPES[envelope])])
