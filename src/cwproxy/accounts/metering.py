"""What one API key has taken of its limits in this process. No I/O and no clock: the time is an argument."""

from collections import deque
from collections.abc import Callable
from enum import Enum
from math import ceil
from typing import Final

import msgspec

from cwproxy.accounts.bookkeeping import next_month
from cwproxy.store.keys import KeyLimits

MINUTE_SECONDS: Final = 60.0
FREE_SOON_SECONDS: Final = 1.0
"""After which it is worth while to ask whether one of the running requests has ended."""


class Bound(Enum):
    """Which limit was met. Credits do not come back before the month ends, so there is no use in trying again."""

    REQUESTS_PER_MINUTE = "requests_per_minute"
    IN_FLIGHT = "in_flight"
    SHARE = "share"
    MONTHLY_CREDITS = "monthly_credits"


class Refusal(msgspec.Struct, frozen=True):
    """retry_after: seconds until it may be tried again. message: a sentence for the client."""

    bound: Bound
    retry_after: float
    message: str


class Meter:
    """`enter` before a request, and `leave` after each that was let in.

    spent: credits that the key has used in the running month, by all processes. share: how many requests the key may
    have open beside the other keys, None for no bound.
    """

    def __init__(self, limits: KeyLimits, *, spent: Callable[[], float], share: Callable[[], int | None]) -> None:
        self.limits = limits
        self.in_flight = 0
        self._spent = spent
        self._share = share
        self._entered: deque[float] = deque()

    def enter(self, *, monotonic: float, wall: float) -> Refusal | None:
        """None when the request is let in; it then counts."""
        refusal = self._refusal(monotonic, wall)
        if refusal is None:
            self.in_flight += 1
            if self.limits.requests_per_minute is not None:
                self._entered.append(monotonic)
        return refusal

    def leave(self) -> None:
        self.in_flight -= 1

    def requests_in_last_minute(self, monotonic: float) -> int:
        """Only counted where there is a limit."""
        while self._entered and self._entered[0] <= monotonic - MINUTE_SECONDS:
            self._entered.popleft()
        return len(self._entered)

    def credits_this_month(self) -> float:
        return self._spent()

    def _refusal(self, monotonic: float, wall: float) -> Refusal | None:
        limits = self.limits
        share = self._share() if self.in_flight else None  # it is never less than one
        if limits.monthly_credits is not None and self._spent() >= limits.monthly_credits:
            wait = next_month(wall) - wall
            return Refusal(
                Bound.MONTHLY_CREDITS,
                wait,
                f"This API key has used its {limits.monthly_credits:g} credits of this month; there are new ones in "
                f"{ceil(wait / 86_400)} days.",
            )
        if limits.in_flight is not None and self.in_flight >= limits.in_flight:
            return Refusal(
                Bound.IN_FLIGHT,
                FREE_SOON_SECONDS,
                f"This API key may have {_requests(limits.in_flight)} open at a time, and has.",
            )
        if share is not None and self.in_flight >= share:
            return Refusal(
                Bound.SHARE,
                FREE_SOON_SECONDS,
                f"One of several API keys may have {_requests(share)} open at the moment, and this one has.",
            )
        if limits.requests_per_minute is not None:
            if self.requests_in_last_minute(monotonic) < limits.requests_per_minute:
                return None
            # With a limit of 0 nothing is ever let in, and there is no first one to wait for.
            first = self._entered[0] if self._entered else monotonic
            wait = first + MINUTE_SECONDS - monotonic
            return Refusal(
                Bound.REQUESTS_PER_MINUTE,
                wait,
                f"This API key may make {_requests(limits.requests_per_minute)} per minute; the next is possible in "
                f"{ceil(wait)} s.",
            )
        return None


def _requests(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"
