"""Run a coroutine as the program, with logs on standard error."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from cwproxy.redaction import redacted

T = TypeVar("T")


def run(
    work: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> T:
    """The result of `work` on a new event loop. Warnings go to standard error, unless logging is configured already."""
    root, ours = logging.getLogger(), logging.getLogger("cwproxy")
    before = root.handlers, root.level, ours.level
    if not root.handlers:
        _log_to_standard_error("warning", "%(message)s")
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    finally:  # whoever runs it within a program of theirs gets their own back
        root.handlers = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])


class Redact(logging.Formatter):
    """The last line of defence: whatever looks like a token is blanked, in messages and tracebacks alike."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def configure_logging(level: str) -> None:
    """Ours at `level`, everybody else's from warning on: httpx and botocore log headers when they debug."""
    # None of these is shown, and each is looked up anew for every line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    _log_to_standard_error(level, "%(asctime)s %(levelname)s %(name)s %(message)s")


def _log_to_standard_error(level: str, form: str) -> None:
    channel = logging.StreamHandler(sys.stderr)
    channel.setFormatter(Redact(form))
    root = logging.getLogger()
    root.handlers = [channel]
    root.setLevel(logging.WARNING)
    logging.getLogger("cwproxy").setLevel(level.upper())
