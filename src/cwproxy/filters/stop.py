"""Stop strings, which the backend does not know: found in the text while it streams (compatibility.md 3.2).

What is given out is exactly the text before the leftmost stop, however the text was cut into pieces. Held back is only
what may still turn out to be one: vLLM's rule, without its fixed buffer.
"""

from collections.abc import Sequence


class StopSequences:
    """`feed` each piece; when `matched` is set, nothing after it counts. `flush` at the end of the text."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in dict.fromkeys(stops) if stop)
        self._longest = max((len(stop) for stop in self._stops), default=0)
        self._held = ""
        self.matched: str | None = None

    def feed(self, text: str) -> str:
        """The text that can be given out now."""
        if self.matched is not None:
            return ""
        text = self._held + text
        place, stop = self._leftmost(text)
        start = self._may_begin(text)
        if stop is not None and place <= start:
            self.matched, self._held = stop, ""
            return text[:place]
        self._held = text[start:]
        return text[:start]

    def flush(self) -> str:
        """What was held back and is no stop, at the end of the text."""
        text, self._held = self._held, ""
        place, stop = self._leftmost(text)
        if stop is None:
            return text
        self.matched = stop
        return text[:place]

    def _leftmost(self, text: str) -> tuple[int, str | None]:
        """Where the first stop begins; of several that begin there, the one that was named first."""
        place, found = len(text), None
        for stop in self._stops:
            at = text.find(stop, 0, place + len(stop))
            if at != -1 and at < place:
                place, found = at, stop
        return place, found

    def _may_begin(self, text: str) -> int:
        """The first place from which the rest of `text` is the beginning of a stop, and not yet the whole."""
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            rest = text[start:]
            if any(len(rest) < len(stop) and stop.startswith(rest) for stop in self._stops):
                return start
        return len(text)
