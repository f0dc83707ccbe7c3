"""Run a coroutine as the program, with logs on standard error."""

import asyncio
import logging
import re
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SECRETS = re.compile(
    r"(?i)(bearer\s+)\S+|\b(?:aoa|aor)[\w./+=:-]{12,}|\bksk_\w{8,}|\bcwp_\w{8,}|\beyJ[\w-]{10,}\.[\w-]+\.[\w-]*"
)
"""What a token looks like: AWS's access and refresh tokens, Kiro's and our API keys, JWTs (reliability.md 2.4)."""


def run(
    work: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> T:
    """The result of `work` on a new event loop."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


HINTS = ("bearer", "aoa", "aor", "ksk_", "cwp_", "eyj")
"""One of these is in every text that `SECRETS` finds something in; looking for them takes a tenth of the time."""


class Redact(logging.Formatter):
    """The last line of defence: whatever looks like a token is blanked, in messages and tracebacks alike."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        lowered = text.lower()
        if not any(hint in lowered for hint in HINTS):
            return text
        return SECRETS.sub(lambda match: f"{match.group(1) or ''}[redacted]", text)


def configure_logging(level: str) -> None:
    """Ours at `level`, everybody else's from warning on: httpx and botocore log headers when they debug."""
    # None of these is shown, and each is looked up anew for every line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    channel = logging.StreamHandler(sys.stderr)
    channel.setFormatter(Redact("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [channel]
    root.setLevel(logging.WARNING)
    logging.getLogger("cwproxy").setLevel(level.upper())
