"""The standing of an account between the moment when a call finds it out and the moment when the store says it too."""

from typing import Final

from cwproxy.accounts.pool.members import Standing

BELIEVED: Final = 60.0
"""Seconds that a finding outweighs a store that keeps saying something else: then it could not be written."""

SUSPENSION_BELIEVED: Final = 3600.0
"""The same for a suspended account, which must not be asked (backend-rules.md A6 75)."""


class StandingRecord:
    """`standing` is what counts now. firm: see `Member`; DISABLED always is."""

    __slots__ = ("_firm", "_found", "_said", "_since", "standing")

    def __init__(self, said: Standing, *, firm: bool = False) -> None:
        self._said = said
        self._firm = firm or said is Standing.DISABLED
        self._found: Standing | None = None
        self._since = 0.0
        self.standing = said

    def say(self, standing: Standing, now: float, *, firm: bool = False) -> None:
        """What the store says. Once it has agreed with the finding, it alone counts."""
        patience = SUSPENSION_BELIEVED if self._found is Standing.SUSPENDED else BELIEVED
        if standing is self._found or now - self._since > patience:
            self._found = None
        self._said, self._firm = standing, firm or standing is Standing.DISABLED
        self._settle()

    def find(self, standing: Standing, now: float) -> bool:
        """What a call, or a person (READY), has found; whether that is new. What is firm stays so, and suspended is
        everything but well until a person says so (backend-rules.md A6 75).
        """
        if self._firm or self.standing is standing:
            return False
        if self.standing is Standing.SUSPENDED and standing is not Standing.READY:
            return False
        self._found, self._since = standing, now
        self._settle()
        return True

    def shift(self, seconds: float) -> None:
        """The clock was set back by so much."""
        self._since -= seconds

    def _settle(self) -> None:
        self.standing = self._said if self._firm or self._found is None else self._found
