"""What may be wrong with an account, and the exact words AWS has for it (backend-rules.md A6, protocol.md 4.3).

The two generations of the service do not have the same words: what only one says, the other says in its own.
"""

from dataclasses import dataclass, replace

from cwproxy.simulator.envelope import ServiceError
from cwproxy.simulator.options import Profile

INVALID_BEARER = ServiceError(403, "AccessDeniedException", "The bearer token included in the request is invalid.")
NOT_AUTHORIZED = ServiceError(403, "AccessDeniedException", "User is not authorized to make this call.")


@dataclass(frozen=True, slots=True)
class State:
    """error: what chat answers; everywhere: whether the control plane answers it too.

    only: the one profile that has these words; elsewhere: the state whose words stand for them on the other.
    """

    error: ServiceError | None
    everywhere: bool = False
    only: Profile | None = None
    elsewhere: str = ""


_MONTH = "Maximum com.amazon.aws.codewhisperer.streaming.GenerateAssistantResponse reached for this month."
_MONTH_IN_SHORT = "Maximum Request reached for this month."
"""Of AWS's own test fixture (backend-rules.md A6 69)."""

_BUSY = "I am experiencing high traffic, please try again shortly."
_HIGH_LOAD = "Encountered unexpectedly high load when processing the request, please try again."
_TOO_MANY = "Too many requests, please wait before trying again."
_LIMIT = "You have reached the limit."
_OVERAGE_LIMIT = "You have reached the limit for overages."


def _throttled(message: str, reason: str | None, *, status: int = 429, wait: int | None = None) -> State:
    return State(ServiceError(status, "ThrottlingException", message, reason, wait))


def _quota(status: int, reason: str, message: str = _LIMIT) -> State:
    return State(ServiceError(status, "ServiceQuotaExceededException", message, reason))


def _denied(message: str, reason: str | None) -> State:
    return State(ServiceError(403, "AccessDeniedException", message, reason), everywhere=True)


def _older(state: State, elsewhere: str) -> State:
    return replace(state, only="legacy-q", elsewhere=elsewhere)


def _runtime(state: State, elsewhere: str) -> State:
    return replace(state, only="kiro-runtime", elsewhere=elsewhere)


STATES: dict[str, State] = {
    "healthy": State(None),
    "suspended": _denied(
        "Your User ID (d-simulated) temporarily is suspended. We've locked your account as a security precaution."
        " To restore access, please contact our support team to verify your identity.",
        "TEMPORARILY_SUSPENDED",
    ),
    "feature-not-supported": _denied("This feature is not supported for your account.", "FEATURE_NOT_SUPPORTED"),
    "wrong-region": State(NOT_AUTHORIZED, everywhere=True),
    "monthly-402": _older(_quota(402, "MONTHLY_REQUEST_COUNT"), "monthly-400"),
    "monthly-400": _runtime(_quota(400, "MONTHLY_REQUEST_COUNT"), "monthly-402"),
    "monthly-throttling-400": _older(_throttled(_MONTH, "MONTHLY_REQUEST_COUNT", status=400), "monthly-429"),
    "monthly-429": _throttled(_MONTH, "MONTHLY_REQUEST_COUNT"),
    "monthly-429-short": _throttled(_MONTH_IN_SHORT, "MONTHLY_REQUEST_COUNT"),
    "daily-402": _quota(402, "DAILY_REQUEST_COUNT"),
    "daily-400": _older(_throttled("5-minute credit limit exceeded", "DAILY_REQUEST_COUNT", status=400), "daily-429"),
    "daily-429": _throttled("5-minute credit limit exceeded", "DAILY_REQUEST_COUNT"),
    "overage-402": _older(_quota(402, "OVERAGE_REQUEST_LIMIT_EXCEEDED", _OVERAGE_LIMIT), "overage-400"),
    "overage-400": _runtime(_quota(400, "OVERAGE_REQUEST_LIMIT_EXCEEDED", _OVERAGE_LIMIT), "overage-402"),
    "overage-429": _throttled(_OVERAGE_LIMIT, "OVERAGE_REQUEST_LIMIT_EXCEEDED"),
    "conversation-limit": _quota(402, "CONVERSATION_LIMIT_EXCEEDED"),
    "throttled": _throttled(_TOO_MANY, None),
    "throttled-400": _older(_throttled(_TOO_MANY, None, status=400), "throttled"),
    "throttled-user-rate": _runtime(_throttled(_TOO_MANY, "USER_REQUEST_RATE_EXCEEDED"), "throttled"),
    "throttled-service-rate": _runtime(_throttled(_TOO_MANY, "SERVICE_REQUEST_RATE_EXCEEDED"), "throttled"),
    "throttled-credit-rate": _runtime(
        _throttled(_TOO_MANY, "CREDIT_CONSUMPTION_RATE_EXCEEDED", wait=300_000), "throttled"
    ),
    "throttled-suspicious": _throttled(
        "Due to suspicious activity, we are imposing temporary limits on how frequently your account"
        " (d-simulated) can send a request to Kiro while we investigate.",
        None,
    ),
    "capacity-429": _throttled(_BUSY, "INSUFFICIENT_MODEL_CAPACITY"),
    "capacity-400": _older(_throttled(_BUSY, "INSUFFICIENT_MODEL_CAPACITY", status=400), "capacity-429"),
    "capacity-500": State(
        ServiceError(500, "InternalServerException", _HIGH_LOAD, "MODEL_TEMPORARILY_UNAVAILABLE"),
    ),
    "capacity-500-legacy": _older(State(ServiceError(500, "InternalServerException", _HIGH_LOAD)), "capacity-500"),
    "capacity-500-unavailable": _older(
        State(ServiceError(500, "ServiceUnavailableException", _HIGH_LOAD)), "capacity-503"
    ),
    "capacity-503": State(
        ServiceError(503, "ServiceUnavailableException", _HIGH_LOAD, "MODEL_TEMPORARILY_UNAVAILABLE"),
    ),
}
"""`expired` is no state: `Accounts.expire` takes the account's access tokens away, and a refresh brings new ones."""


def said(name: str, profile: Profile) -> State:
    """The state of that name, in the words of that profile."""
    state = STATES[name]
    return state if state.only in (None, profile) else STATES[state.elsewhere]
