"""The table of ANALYSIS.md that says what clients are told: made by the code that tells them.

`python -m tests.support.error_table` writes it anew.
"""

import json
from pathlib import Path
from typing import Final

from cwproxy import errors
from cwproxy.codewhisperer import failures
from cwproxy.inbound.failures import failure_of

ANALYSIS: Final = Path(__file__).parents[2] / "ANALYSIS.md"
BEGIN: Final = "<!-- error table: made by `python -m tests.support.error_table` -->"
END: Final = "<!-- end of the error table -->"

ANSWERS: Final[tuple[tuple[int, str, str | None, str], ...]] = (
    (400, "ValidationException", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", "Input is too long."),
    (400, "ValidationException", "PROMPT_TOO_LONG", "Prompt is too long."),
    (400, "ValidationException", "INVALID_MODEL_ID", "Invalid model ID."),
    (400, "ValidationException", "REQUEST_BODY_INVALID", "Improperly formed request."),
    (400, "ValidationException", None, "Improperly formed request."),
    (400, "ValidationException", "TOOL_SCHEMA_INVALID", "Bedrock error message: ..."),
    (400, "ValidationException", "IMAGE_SIZE_EXCEEDED", "image exceeds 5 MB maximum"),
    (400, "ValidationException", "A_NEW_REASON", "..."),
    (500, "InternalServerException", "TOOL_USE_RESULT_MISMATCH", "..."),
    (413, "", None, "Request entity too large"),
    (402, "ServiceQuotaExceededException", "MONTHLY_REQUEST_COUNT", "You have reached the limit."),
    (400, "ThrottlingException", "MONTHLY_REQUEST_COUNT", "Maximum reached for this month."),
    (402, "ServiceQuotaExceededException", "OVERAGE_REQUEST_LIMIT_EXCEEDED", "You have reached the limit."),
    (402, "ServiceQuotaExceededException", "CONVERSATION_LIMIT_EXCEEDED", "..."),
    (429, "ThrottlingException", "DAILY_REQUEST_COUNT", "5-minute credit limit exceeded"),
    (429, "ThrottlingException", "USER_REQUEST_RATE_EXCEEDED", "Too many requests"),
    (429, "ThrottlingException", "A_NEW_REASON", "..."),
    (429, "ThrottlingException", None, "Due to suspicious activity, we are imposing temporary limits"),
    (429, "ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY", "experiencing high traffic"),
    (500, "InternalServerException", "MODEL_TEMPORARILY_UNAVAILABLE", "unexpectedly high load"),
    (500, "InternalServerException", "A_NEW_REASON", "..."),
    (500, "InternalServerException", None, "..."),
    (503, "ServiceUnavailableException", None, "..."),
    (403, "AccessDeniedException", None, "The bearer token included in the request is invalid."),
    (403, "AccessDeniedException", "TEMPORARILY_SUSPENDED", "Your User ID temporarily is suspended"),
    (403, "AccessDeniedException", "FEATURE_NOT_SUPPORTED", "..."),
    (403, "AccessDeniedException", "A_NEW_REASON", "..."),
    (403, "AccessDeniedException", None, "User is not authorized to make this call."),
    (404, "", None, ""),
)
"""Status, exception, reason and message of what the service answers (backend-rules.md A, protocol.md 4)."""

OURS: Final[tuple[tuple[str, errors.CwproxyError], ...]] = (
    ("no login, or one that is dead", errors.LoginRequired("")),
    ("all accounts busy for longer than the queue waits", errors.Overloaded("", retry_after=3.0)),
    ("no answer, or silence, for too long", errors.BackendTimeout("")),
    ("no connection", errors.BackendUnavailable("", reason="connect_failed")),
    ("no trusted TLS", errors.BackendUnavailable("", reason="upstream_tls_error")),
    ("a web page in place of an answer", errors.BackendUnavailable("", reason="unexpected_content_type")),
    ("no descriptor is free on this machine", errors.BackendUnavailable("", reason="out_of_descriptors")),
    ("a login that cannot be renewed yet", errors.BackendUnavailable("", reason="login_not_renewed", retry_after=5.0)),
    ("an answer that is cut in the text", errors.StreamTruncated("")),
    ("an answer that is cut in a tool call", errors.ToolUseTruncated("")),
    ("an answer with a broken frame", errors.FrameError("")),
    ("an answer that says nothing", errors.EmptyReply("")),
)
_WAIT: Final = 300.0


def table() -> str:
    """Markdown. `retry-after` is what comes out when the service asks for five minutes."""
    lines = [
        "| the backend answers | HTTP | `type` | `code` | `x-should-retry` | `retry-after` of 300 |",
        "|---|---|---|---|---|---|",
    ]
    for status, kind, reason, message in ANSWERS:
        lines.append(_row(_said(status, kind, reason, message), _asked(status, kind, reason, message)))
    return "\n".join([*lines, *(_row(situation, error) for situation, error in OURS)])


def _asked(status: int, kind: str, reason: str | None, message: str) -> errors.CwproxyError:
    members = {"message": message, "reason": reason, "retryAfterMilliseconds": _WAIT * 1000}
    body = json.dumps(members).encode() if kind else message.encode()
    return failures.from_response(status, {"x-amzn-errortype": kind} if kind else {}, body)


def _said(status: int, kind: str, reason: str | None, message: str) -> str:
    name = f"{kind.removesuffix('Exception')} " if kind else ""
    why = f"`{reason}`" if reason else f'"{message}"' if message.strip(".") else ""
    return f"{status} {name}{why}".strip()


def _row(situation: str, error: errors.CwproxyError) -> str:
    failure = failure_of(error)
    headers = dict(failure.headers)
    code = f"`{failure.code}`" if failure.code else "null"
    cells = (
        situation,
        str(failure.status),
        f"`{failure.type}`",
        code,
        headers["x-should-retry"],
        headers.get("retry-after", "-"),
    )
    return f"| {' | '.join(cells)} |"


def documented() -> str:
    """The table as it stands in ANALYSIS.md."""
    return ANALYSIS.read_text().partition(BEGIN)[2].partition(END)[0].strip()


def write() -> None:
    before, _, rest = ANALYSIS.read_text().partition(BEGIN)
    ANALYSIS.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    write()
