"""What was received and what became of it, for tests to read. Credentials are masked unless a test asks for them."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from cwproxy.simulator.delivery import Progress
from cwproxy.simulator.request import Request

_SECRET_HEADERS = frozenset({"authorization", "x-amz-security-token"})
_SECRET_PATHS = frozenset(
    {
        *("/client/register", "/device_authorization", "/token", "/device", "/consent"),
        *("/refreshToken", "/oauth/token", "/oauth/device/authorization", "/oauth/device/poll"),
        "/simulated-tenant/oauth2/v2.0/token",
    }
)
_KEPT = 2_000


@dataclass(slots=True)
class Entry:
    """One request. `note` says why it was refused; `progress` is still moving while the answer streams."""

    number: int
    received_at: float
    request: Request
    surface: str | None = None
    operation: str | None = None
    account: str | None = None
    fault: str | None = None
    note: str = ""
    progress: Progress = field(default_factory=Progress)

    def document(self, *, secrets: bool) -> dict[str, Any]:
        """As JSON. Bodies of login calls hold tokens, so they count as secret."""
        request = self.request
        headers = {
            name: value if secrets or name not in _SECRET_HEADERS else "(masked)"
            for name, value in request.headers.items()
        }
        hide_body = not secrets and request.path in _SECRET_PATHS
        return {
            "number": self.number,
            "receivedAt": self.received_at,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "region": request.region,
            "headers": headers,
            "body": "(masked)" if hide_body else request.body.decode("utf-8", "replace"),
            "port": request.port,
            "surface": self.surface,
            "operation": self.operation,
            "account": self.account,
            "fault": self.fault,
            "note": self.note,
            "status": self.progress.status,
            "frames": self.progress.frames,
            "ended": self.progress.ended,
        }


class Journal:
    """The last two thousand requests, oldest first; the control plane's own are not in it."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._number = 0

    def open(self, request: Request, *, now: float) -> Entry:
        self._number += 1
        entry = Entry(self._number, now, request)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def running(self) -> int:
        """How many answers are on their way."""
        return sum(entry.progress.ended == "running" for entry in self._entries)

    def clear(self) -> None:
        """Forget what is finished."""
        unfinished = [entry for entry in self._entries if entry.progress.ended == "running"]
        self._entries.clear()
        self._entries.extend(unfinished)
