"""One request and its answer, as the log line at its end tells them."""

import json
import logging
import time
from collections.abc import Awaitable, Callable
from random import getrandbits

import msgspec
from starlette.types import Scope

from cwproxy.accounts.callers import Caller
from cwproxy.api.envelopes import OPENAI, envelope_of
from cwproxy.errors import CwproxyError
from cwproxy.inbound.failures import Envelope
from cwproxy.reply import Usage

_log = logging.getLogger("cwproxy.access")
_KEY = "cwproxy.exchange"

CLIENT_GONE = 499
"""The status in the log when the client left before it was sent one."""


class Exchange(msgspec.Struct):
    """Filled by whoever knows; `outcome` is `ok`, an error's code, or why the answer was cut. `envelope` is how this
    client is told of failures.
    """

    method: str
    path: str
    envelope: Envelope = OPENAI
    request_id: str = msgspec.field(default_factory=lambda: f"req_{getrandbits(128):032x}")
    started: float = msgspec.field(default_factory=time.monotonic)
    caller: Caller | None = None
    model: str | None = None
    stream: bool | None = None
    status: int = 0
    outcome: str = "ok"
    usage: Usage | None = None
    dump: Callable[[CwproxyError], Awaitable[None]] | None = None
    """Leaves what failed behind, where that is wanted."""
    keep: Callable[[bytes], Awaitable[bytes]] | None = None
    """Keeps the answer, where that is wanted, before its end is sent: the client may ask for it at once. It may return
    another, which says that this one is not kept.
    """
    context_param: str | None = None
    """What of the request is to blame when the conversation is too long, where the error cannot know it."""
    release: Callable[[], None] | None = None
    """To be called when the exchange is over."""

    def milliseconds(self) -> int:
        return round((time.monotonic() - self.started) * 1000)

    def headers(self, *more: tuple[str, str]) -> list[tuple[bytes, bytes]]:
        """The id of the request and `more`, as ASGI wants them."""
        named = (*((name, self.request_id) for name in self.envelope.id_headers), *more)
        return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in named]

    def log(self) -> None:
        """One line of JSON. Text of the client's is escaped by that; bodies and keys are never in it."""
        if not _log.isEnabledFor(logging.INFO):
            return
        usage = self.usage
        line = {
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path[:200],
            "caller": self.caller.name if self.caller else None,
            "model": self.model[:200] if self.model else self.model,
            "stream": self.stream,
            "status": self.status,
            "outcome": self.outcome,
            "ms": self.milliseconds(),
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
            "usage_source": usage.source if usage else None,
        }
        # DEL is the one control character that json leaves as it is.
        text = json.dumps(line).replace("\x7f", "\\u007f")
        # Made by hand: `info` would look through the stack for its caller.
        record = logging.LogRecord(_log.name, logging.INFO, __file__, 0, text, None, None)
        record.access = line
        _log.handle(record)


def begin(scope: Scope) -> Exchange:
    """Starts the exchange of a request; `exchange_of` finds it again."""
    exchange = Exchange(scope["method"], scope["path"], envelope_of(scope))
    scope[_KEY] = exchange
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    exchange = scope[_KEY]
    assert isinstance(exchange, Exchange)  # noqa: S101 - for the type; begin() put it there
    return exchange
