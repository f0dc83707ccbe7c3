"""Which one of several accounts that could all take the call.

The rotation is by stride: each account has a turn on a scale of its own, the lowest is next, and being chosen moves
its turn by 1 / weight. So calls are in proportion to the weights at every moment, and an account that was away is not
given what it has missed.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import Final, assert_never

from cwproxy.accounts.pool.policy import Policy, Strategy
from cwproxy.accounts.pool.states import MemberState

LEAST_WEIGHT: Final = 0.001
_SCALE: Final = 2.0**64


class Rotation:
    """The order of the accounts. `front`: the turn of the account that a request was first given to."""

    __slots__ = ("_policy", "front")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.front = 0.0

    def pick(self, fitting: Sequence[MemberState], sticky: str | None, *, first: bool) -> MemberState:
        """One of `fitting`, which is not empty. `first`: it is the request's first choice."""
        match self._policy.strategy:
            case Strategy.ROUND_ROBIN:
                chosen = self._next(fitting)
            case Strategy.LEAST_USED_QUOTA:
                chosen = self._next(most_left(fitting, self._policy.quota_step))
            case Strategy.STICKY:
                chosen = self._next(fitting) if sticky is None else nearest(fitting, sticky)
            case _:
                assert_never(self._policy.strategy)
        step = 1.0 / max(chosen.member.weight, LEAST_WEIGHT)
        turn = max(chosen.turn, self.front - step)
        if first:
            self.front = turn
        chosen.turn = turn + step
        return chosen

    def _next(self, fitting: Sequence[MemberState]) -> MemberState:
        best = fitting[0]
        for account in fitting:
            if account.turn < best.turn or (account.turn == best.turn and account.load.in_flight < best.load.in_flight):
                best = account
        return best


def most_left(fitting: Sequence[MemberState], step: float) -> list[MemberState]:
    """Those with the most of their quota left, give or take `step`; with them, those of which it is not known."""
    most = max((each.member.fraction_left for each in fitting if each.member.fraction_left is not None), default=0.0)
    return [each for each in fitting if each.member.fraction_left is None or each.member.fraction_left > most - step]


def nearest(fitting: Sequence[MemberState], sticky: str) -> MemberState:
    """Rendezvous hashing with weights: the loss of an account moves only what was on it."""
    return max(fitting, key=lambda account: _affinity(account, sticky))


def _affinity(account: MemberState, sticky: str) -> float:
    digest = blake2b(f"{account.member.id}\0{sticky}".encode(errors="replace"), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 0.5) / _SCALE
    return -max(account.member.weight, LEAST_WEIGHT) / log(uniform)
