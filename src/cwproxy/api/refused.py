"""What the edge itself refuses, before any dialect or account is asked."""

import logging

from cwproxy.errors import CwproxyError, StoreError
from cwproxy.inbound.failures import Failure, failure_of

log = logging.getLogger("cwproxy.api")


class Refused(CwproxyError):
    """A request that is answered with `failure` and nothing else."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        type: str = "invalid_request_error",
        headers: tuple[tuple[str, str], ...] = (("x-should-retry", "false"),),
    ) -> None:
        super().__init__(message)
        self.failure = Failure(status, message, type, code, None, headers)


class ClientGone(Exception):
    """The client has closed its connection; there is nobody left to answer."""


def draining() -> Refused:
    """The server is being stopped; another process, or this one in a moment, will serve (reliability.md 1.8)."""
    return Refused(
        503,
        "The server is shutting down; send the request again.",
        "server_shutdown",
        type="server_error",
        headers=(("connection", "close"), ("retry-after", "1"), ("x-should-retry", "true")),
    )


def elsewhere() -> Refused:
    """What a web page of an origin that may not call is told."""
    return Refused(
        403, "Requests of web pages from elsewhere are refused.", "origin_not_allowed", type="permission_error"
    )


def describe(error: CwproxyError) -> Failure:
    """What the client is told of any error of ours."""
    if isinstance(error, StoreError):  # the log is told more than the client
        log.error("the store cannot be used: %s", error.message)
    return error.failure if isinstance(error, Refused) else failure_of(error)
