"""A JSON document taken out of an answer that may wrap it in prose or a code fence, while it streams.

Models asked for JSON only still say "Here it is:" or open a fence. The document begins where JSON of the wanted kind
stands: an object with the value of its first key, or an array that begins a line or follows a colon. What is before it
and after its last bracket is dropped. From its beginning on it is given out as it is written, also where it turns out
to be broken. An answer without such a document (a refusal, say) is given out as it is, at its end.
"""

import re
from typing import Final, Literal, TypeAlias

from cwproxy.filters.jsonobject import JsonObject, Progress

Kind: TypeAlias = Literal["object", "array", "any"]

MAX_ATTEMPTS: Final = 2_000
"""Places of an answer at which a document is looked for."""

_OPENING: Final = {"object": re.compile(r"\{"), "array": re.compile(r"\["), "any": re.compile(r"[{\[]")}
_SYNTAX: Final = re.compile(r'["{}\[\]]')
_IN_STRING: Final = re.compile(r'["\\]')
_BEFORE: Final = ("", "\n", ":", "：", "`")
"""What an array follows, or a document too short to be known by what is in it; and its line ends there."""


class JsonDocument:
    """`feed` each piece, `flush` at the end. kind: any is an object or an array."""

    def __init__(self, kind: Kind) -> None:
        self._opening = _OPENING[kind]
        self._before: list[str] = []
        self._length = 0
        self._last = ""
        self._short: list[tuple[int, int]] = []
        self._attempts = 0
        self._reader: JsonObject | None = None
        self._read: list[str] = []
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
        at = 0
        while at < len(text):
            if self._reader is None:
                at = self._opened(text, at)
            else:
                text, at = self._attempt(self._reader, text, at)
                if self.begun:
                    return self._inside(text)
        return ""

    def flush(self) -> str:
        """An answer in which no document began: all of it, or the short document that it has."""
        if self.begun:
            return ""
        text = "".join(self._before + self._read)
        self._before, self._read, self._reader = [], [], None
        short = ((start, end) for start, end in self._short if not text[end:].partition("\n")[0].strip(" \t\r`."))
        start, end = next(short, (0, len(text)))
        return text[start:end]

    def _opened(self, text: str, at: int) -> int:
        """The place of the next bracket that may be the document's first."""
        found = self._opening.search(text, at)
        end = len(text) if found is None or self._attempts == MAX_ATTEMPTS else found.start()
        self._pass(text[at:end])
        if end < len(text):
            if text[end] == "[" and self._last not in _BEFORE:
                self._pass("[")
                return end + 1
            self._attempts += 1
            self._reader = JsonObject(arrays=True)
        return end

    def _attempt(self, reader: JsonObject, text: str, at: int) -> tuple[str, int]:
        """What is to be read further, and from where."""
        end = reader.feed(text, at)
        if reader.progress is Progress.OPEN and not reader.certain:
            self._read.append(text[at:end])
            return text, end
        earlier = "".join(self._read)
        if reader.certain:
            self.begun = True
            self._before, self._read = [], []
            return earlier + text[at:], 0
        self._reader, self._read = None, []
        if reader.progress is Progress.WHOLE:
            if self._last in _BEFORE:
                self._short.append((self._length, self._length + len(earlier) + end - at))
            self._pass(earlier + text[at:end])
            return text, end
        if earlier:
            text, at = earlier + text[at:], 0
        self._pass(text[at])
        return text, at + 1

    def _pass(self, text: str) -> None:
        """In this no document begins."""
        self._before.append(text)
        self._length += len(text)
        self._last = text.rstrip(" \t")[-1:] or self._last

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
