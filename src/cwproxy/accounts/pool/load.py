"""How many calls an account has in flight, and how many it may have: fewer after each throttling, and slowly more again
while all goes well (AIMD, reliability.md 1.8).
"""

from cwproxy.accounts.pool.members import Member
from cwproxy.accounts.pool.policy import Policy


class Load:
    """in_flight: calls under way. allowed: how many there may be now. limit: how many at the best of times."""

    __slots__ = ("_good", "_policy", "_model_limits", "_per_model", "allowed", "in_flight", "limit")

    def __init__(self, member: Member, policy: Policy) -> None:
        self._policy = policy
        self._good = 0
        self._per_model: dict[str, int] = {}
        self._model_limits = member.model_limits
        self.in_flight = 0
        self.limit = self._limit(member)
        self.allowed = self.limit

    def resize(self, member: Member) -> None:
        """The limits are other ones now. What was lowered stays so."""
        limit = self._limit(member)
        self.allowed = limit if self.allowed >= self.limit else min(self.allowed, limit)
        self.limit, self._model_limits = limit, member.model_limits

    def has_room(self, model: str | None) -> bool:
        """Whether one more call may be in flight."""
        if self.in_flight >= self.allowed:
            return False
        if not self._model_limits or model is None or model not in self._model_limits:
            return True
        return self._per_model.get(model, 0) < max(1, self._model_limits[model])

    def begin(self, model: str | None) -> None:
        self.in_flight += 1
        if model is not None:
            self._per_model[model] = self._per_model.get(model, 0) + 1

    def end(self, model: str | None) -> None:
        self.in_flight -= 1
        if model is not None:
            left = self._per_model.pop(model) - 1
            if left:
                self._per_model[model] = left

    def throttled(self) -> None:
        self.allowed, self._good = max(1, self.allowed // 2), 0

    def served(self) -> None:
        if self.allowed < self.limit:
            self._good += 1
            if self._good >= self._policy.heal_after:
                self.allowed, self._good = self.allowed + 1, 0

    def reset(self) -> None:
        """A person says that all is well."""
        self.allowed, self._good = self.limit, 0

    def _limit(self, member: Member) -> int:
        return max(1, self._policy.in_flight if member.in_flight_limit is None else member.in_flight_limit)
