"""A JSON document taken out of an answer that may wrap it in prose or a code fence, while it streams.

Models asked for JSON only still say "Here it is:" or open a fence. Everything before the document's first brace and
after its last is dropped; an answer without any brace is given out as it is, at its end.
"""

import re
from typing import Final

_SYNTAX: Final = re.compile(r'["{}\[\]]')
_IN_STRING: Final = re.compile(r'["\\]')


class JsonDocument:
    """`feed` each piece, `flush` at the end. `arrays`: whether the document may be an array."""

    def __init__(self, *, arrays: bool) -> None:
        self._open = re.compile(r"[{\[]" if arrays else r"\{")
        self._before: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.begun = False
        self.ended = False

    def feed(self, text: str) -> str:
        """The part of `text` that belongs to the document."""
        if self.ended:
            return ""
        if self.begun:
            return self._inside(text)
        opening = self._open.search(text)
        if opening is None:
            self._before.append(text)
            return ""
        self.begun = True
        self._before.clear()
        return self._inside(text[opening.start() :])

    def flush(self) -> str:
        """All of an answer in which no document began."""
        text = "".join(self._before)
        self._before.clear()
        return text

    def _inside(self, text: str) -> str:
        at = 0
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_IN_STRING if self._in_string else _SYNTAX).search(text, at)
            if found is None:
                return text
            at = found.end()
            self._take(found.group())
            if self._depth == 0:
                self.ended = True
                return text[:at]
        return text

    def _take(self, mark: str) -> None:
        match mark:
            case '"':
                self._in_string = not self._in_string
            case "\\":
                self._escaped = True
            case "{" | "[":
                self._depth += 1
            case _:
                self._depth -= 1
