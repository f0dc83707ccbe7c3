"""The standing of an account between the moment when a call finds it out and the moment when the store says it too."""

from typing import Final

from cwproxy.accounts.pool.members import Standing

BELIEVED: Final = 60.0
"""Seconds that a finding outweighs a store that keeps saying something else: then it could not be written."""

SUSPENSION_BELIEVED: Final = 3600.0
"""The same for a suspended account, which must not be asked (backend-rules.md A6 75)."""


class StandingRecord:
    """`standing` is what counts now."""

    __slots__ = ("_found", "_said", "_since", "standing")

    def __init__(self, said: Standing) -> None:
        self._said = said
        self._found: Standing | None = None
        self._since = 0.0
        self.standing = said

    def say(self, standing: Standing, now: float) -> None:
        """What the store says. Once it has agreed with the finding, it alone counts."""
        patience = SUSPENSION_BELIEVED if self._found is Standing.SUSPENDED else BELIEVED
        if standing is self._found or now - self._since > patience:
            self._found = None
        self._said = standing
        self._settle()

    def find(self, standing: Standing, now: float) -> bool:
        """What a call, or a person, has found; whether that is new. What a person has disabled stays so."""
        if self.standing in (standing, Standing.DISABLED):
            return False
        self._found, self._since = standing, now
        self._settle()
        return True

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self._since -= seconds

    def _settle(self) -> None:
        disabled = self._said is Standing.DISABLED or self._found is None
        self.standing = self._said if disabled or self._found is None else self._found
