"""What all requests of the process may spend on repetitions: when the backend is down, each of them tries once, not
three times (reliability.md 1.1, 1.8).
"""

CAPACITY = 500


class Budget:
    """Tokens. A first call that succeeds puts one back, a repetition that succeeds what it had taken."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.left = capacity

    def take(self, tokens: int) -> bool:
        """False, and nothing is taken, when there are not as many."""
        if tokens > self.left:
            return False
        self.left -= tokens
        return True

    def put_back(self, taken: int) -> None:
        """After a success for which `taken` tokens were spent in all."""
        self.left = min(self._capacity, self.left + (taken or 1))

    def refill(self) -> None:
        """A person has said that what was wrong is over."""
        self.left = self._capacity
