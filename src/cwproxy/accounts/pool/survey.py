"""All accounts as they are for one wish, sorted by what they are fit for."""

from typing import Final, assert_never

from cwproxy.accounts.pool.members import Shortage
from cwproxy.accounts.pool.states import Fit, MemberState, Obstacle

_TRIED: Final = Obstacle(Shortage.TRIED)
_PASSING: Final = frozenset({Shortage.THROTTLED, Shortage.CAPACITY, Shortage.BREAKER})
"""An account that is out for one of these is back soon: it is an alternative to the others."""


class Survey:
    """busy: an account would be fit, but has too many calls in flight. tried: so many would be fit, but the request has
    left them.
    """

    __slots__ = ("busy", "fitting", "obstacles", "opened", "probes", "suspects", "tried")

    def __init__(self) -> None:
        self.fitting: list[MemberState] = []
        self.probes: list[MemberState] = []
        self.suspects: list[MemberState] = []
        self.opened: list[MemberState] = []
        self.obstacles: list[Obstacle] = []
        self.busy = False
        self.tried = 0

    def add(self, account: MemberState, found: Fit | Obstacle, *, tried: bool) -> None:
        if isinstance(found, Obstacle):
            self.obstacles.append(found)
            return
        if tried:
            self.tried += 1
            self.obstacles.append(_TRIED)
            return
        match found:
            case Fit.HEALTHY:
                self.fitting.append(account)
            case Fit.PROBE:
                self.probes.append(account)
            case Fit.SUSPECT:
                self.suspects.append(account)
            case Fit.BUSY:
                self.busy = True
            case Fit.OPEN:
                self.opened.append(account)
            case _:
                assert_never(found)

    def candidates(self, *, first: bool) -> list[MemberState]:
        """The best of those that could take the call. A request's second attempt is not the one to find out whether an
        account is well again.
        """
        if first:
            return self.fitting + self.probes if self.probes else self.fitting or self.suspects
        return self.fitting or self.suspects or self.probes

    @property
    def lone(self) -> bool:
        """The one open account has no alternative, not even one that is only out for a moment."""
        passing = any(each.shortage in _PASSING for each in self.obstacles)
        return len(self.opened) == 1 and not (self.tried or passing)
