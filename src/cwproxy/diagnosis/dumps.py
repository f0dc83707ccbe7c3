"""One JSON file per request that failed: what the client sent, what the backend was sent, and what it answered.

`cwproxy explain FILE` reads them. The directory is made with mode 0700 and the files with 0600; what is in them is
redacted (`redaction`), but prompts and answers are in them, which is why nothing is written unless asked for.
"""

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, Final

from cwproxy import __version__
from cwproxy.diagnosis import redaction
from cwproxy.errors import BackendError, CwproxyError, Evidence, InvalidRequest, SettingsError

log = logging.getLogger("cwproxy.diagnosis")

KEPT: Final = 200
"""Files; the oldest go first."""


class Dumps:
    """Raises SettingsError when the directory cannot be made, or is open to other users."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = directory.stat().st_mode
        except OSError as error:
            raise SettingsError(f"dump_failures: {directory} cannot be used ({error.strerror}).") from error
        if os.name == "posix" and mode & 0o077:
            raise SettingsError(f"dump_failures: other users can read {directory}. Run: chmod 700 {directory}")

    async def write(self, request_id: str, sent: bytes, error: CwproxyError) -> None:
        """`sent` is the client's body. A disk that is full costs the file and not the answer."""
        path = self._directory / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{request_id}.json"
        try:
            await asyncio.to_thread(self._write, path, request_id, sent, error)
        except OSError as failure:
            log.warning("%s failed, and %s cannot be written (%s)", request_id, path, failure.strerror)
            return
        log.warning("%s failed (%s); what was sent and answered is in %s", request_id, type(error).__name__, path)

    def _write(self, path: Path, request_id: str, sent: bytes, error: CwproxyError) -> None:
        document = {
            "cwproxy": __version__,
            "request_id": request_id,
            "error": _error(error),
            "client": {"body": redaction.body(sent)},
            **_exchange(error.evidence),
        }
        data = json.dumps(document, indent=1, ensure_ascii=True).encode()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        for old in sorted(self._directory.glob("*-req_*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)


def _error(error: CwproxyError) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": type(error).__name__, "message": redaction.text(error.message)}
    if isinstance(error, InvalidRequest):
        found |= {"param": error.param, "code": error.code}
    if isinstance(error, BackendError):
        found |= {"reason": error.reason, "backend_request_id": error.request_id}
    return found


def _exchange(evidence: Evidence | None) -> dict[str, Any]:
    """Nothing of the backend when it was not asked, no response when it did not answer."""
    if evidence is None:
        return {"upstream": None, "response": None}
    response = None
    if evidence.status is not None:
        response = {
            "status": evidence.status,
            "headers": redaction.headers(evidence.headers),
            "body": redaction.body(evidence.received),
        }
    return {
        "upstream": {
            "url": redaction.url(evidence.url),
            "target": evidence.target,
            "body": redaction.body(evidence.sent),
        },
        "response": response,
    }
