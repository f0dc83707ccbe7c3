"""Why nothing can serve, when many accounts each have their own reason: the one that will be over first."""

from collections.abc import Sequence
from typing import Final

from cwproxy.accounts.pool.members import Exhausted, Shortage
from cwproxy.accounts.pool.states import Obstacle

_SOONEST_FIRST: Final = (
    Shortage.THROTTLED,
    Shortage.TRIED,
    Shortage.CAPACITY,
    Shortage.BREAKER,
    Shortage.QUOTA,
    Shortage.SUSPENDED,
    Shortage.CREDENTIALS,
    Shortage.MODEL,
    Shortage.NONE_LOGGED_IN,
)

_SAYS: Final = {
    Shortage.THROTTLED: "Every account that could serve this is cooling down after too many requests.",
    Shortage.TRIED: "Every account that could serve this has been tried.",
    Shortage.CAPACITY: "The model is overloaded at the backend.",
    Shortage.BREAKER: "Calls to the backend have failed too often just now.",
    Shortage.QUOTA: "Every account that could serve this has used up its quota.",
    Shortage.SUSPENDED: "AWS has suspended every account that could serve this; only its support can help.",
    Shortage.CREDENTIALS: "No account has usable credentials: see `cwproxy accounts list`.",
    Shortage.MODEL: "No account may use this model.",
    Shortage.NONE_LOGGED_IN: "No account is logged in and enabled. Run `cwproxy login`.",
}

_FORBIDDEN: Final = frozenset({Shortage.CREDENTIALS, Shortage.SUSPENDED, Shortage.NONE_LOGGED_IN})

SOON: Final = 1.0
"""Seconds to wait where a probe is under way and will tell."""


def exhausted(obstacles: Sequence[Obstacle], now: float) -> Exhausted:
    """The answer to a request that all accounts are out for, each for one of `obstacles`.

    A model that none of the usable accounts has is missing also when an unusable one might have it.
    """
    shortages = {each.shortage for each in obstacles}
    if Shortage.MODEL in shortages and shortages <= {Shortage.MODEL, *_FORBIDDEN}:
        shortage = Shortage.MODEL
    else:
        shortage = next((each for each in _SOONEST_FIRST if each in shortages), Shortage.NONE_LOGGED_IN)
    ends = [each.until for each in obstacles if each.shortage is shortage and each.until is not None]
    return Exhausted(shortage, max(SOON, min(ends) - now) if ends else None, _SAYS[shortage])
