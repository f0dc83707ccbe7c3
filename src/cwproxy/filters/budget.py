"""`max_tokens`, which the backend does not know: the text is cut where the estimate reaches it.

The estimate is the one that usage is reported with, so a cut answer never reports more than was allowed.
"""

from collections.abc import Callable


class TokenBudget:
    """weigh: tokens of a text, not rounded and additive over pieces. limit: at least 1."""

    def __init__(self, limit: int, weigh: Callable[[str], float]) -> None:
        self._left = limit + 0.49  # what is reported is rounded
        self._weigh = weigh
        self.exhausted = False

    def feed(self, text: str) -> str:
        """As much of `text` as there is room for."""
        if self.exhausted:
            return ""
        weight = self._weigh(text)
        if weight <= self._left:
            self._left -= weight
            return text
        self.exhausted = True
        return text[: self._room(text)]

    def spend(self, text: str) -> None:
        """Count what cannot be cut: a call that is being written is finished first."""
        self._left -= self._weigh(text)
        self.exhausted |= self._left <= 0

    def _room(self, text: str) -> int:
        """The length of the longest beginning that fits."""
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._weigh(text[:middle]) <= self._left:
                low = middle
            else:
                high = middle - 1
        return low
