"""The breakers that accounts share: of an endpoint, and of a model there. No account is blamed for what trips them."""

from typing import Final

from cwproxy.accounts.pool.breaker import Breaker, Fact, Phase
from cwproxy.accounts.pool.policy import Policy

MODELS: Final = 256
"""Breakers of models that an endpoint remembers: their names may be a client's invention."""


class Endpoint:
    """One host. `models`: the breakers of the models that have failed there."""

    __slots__ = ("_connections", "_policy", "_seen_by", "breaker", "models", "name")

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.breaker = Breaker(policy.endpoint, policy.probe_patience)
        self.models: dict[str | None, Breaker] = {}
        self._policy = policy
        self._connections = 0
        self._seen_by: set[str] = set()

    def reached(self, number: int, now: float) -> None:
        """It has answered, whatever it said."""
        self._connections = 0
        if self._seen_by:
            self._seen_by.clear()
        self.breaker.succeeded(number, now)

    def unreachable(self, fact: Fact) -> None:
        """No connection, which is no account's fault."""
        self._connections += 1
        enough = self._connections >= (self._policy.endpoint.consecutive or 1)
        if self.breaker.failed(fact, may_open=enough):
            self._connections = 0

    def ailing(self, fact: Fact, *, account: str, usable: int) -> set[str]:
        """A server fault, seen with `account`, one of `usable` that could serve. Only when all of them have seen it,
        or as many as the breaker has patience for, is it the endpoint's: those accounts are returned.
        """
        if usable < 2:
            self.reached(fact.number, fact.now)
            return set()
        self._connections = 0
        self._seen_by.add(account)
        enough = len(self._seen_by) >= min(usable, self._policy.endpoint.consecutive or 1)
        if not self.breaker.failed(fact, may_open=enough):
            return set()
        seen_by, self._seen_by = self._seen_by, set()
        return seen_by

    def model(self, name: str | None, now: float) -> Breaker:
        """The breaker of a model that has failed."""
        breaker = self.models.get(name)
        if breaker is None:
            if len(self.models) >= MODELS:
                well = [key for key, each in self.models.items() if each.phase(now) is Phase.CLOSED]
                for key in well or [next(iter(self.models))]:
                    del self.models[key]
            breaker = self.models[name] = Breaker(self._policy.model, self._policy.probe_patience)
        return breaker

    def served(self, model: str | None, number: int, now: float) -> None:
        """The model has begun to answer, so has the endpoint."""
        self.reached(number, now)
        if self.models:
            breaker = self.models.get(model)
            if breaker is not None:
                breaker.succeeded(number, now)

    def recover(self, now: float) -> None:
        """A person says that all is well again."""
        self.reached(0, now)
        self.breaker.close(now)
        self.breaker.times = 0
        self.models.clear()

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self.breaker.shift(seconds)
        for breaker in self.models.values():
            breaker.shift(seconds)
