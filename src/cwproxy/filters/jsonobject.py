"""A JSON object (or array) inside a text that comes in pieces: where it ends, or that it is none.

Every character is looked at once, however the text was cut. What is taken is RFC 8259 to the letter, so a text that
stops being JSON (a raw line break in a string, a bare word) is known at that place and not at its end.
"""

import re
from enum import Enum
from typing import Final

MAX_TOKEN_LENGTH: Final = 400
"""Characters of a number: more is no number that anybody means."""

MAX_DEPTH: Final = 100

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'(?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
"""Of a string, with all escapes that are whole."""
_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_ESCAPE_BEGUN: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_BARE: Final = re.compile(r"[-+.0-9A-Za-z]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NUMBER_BEGUN: Final = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:(?<=[0-9])\.[0-9]*)?(?:(?<=[0-9])[eE][-+]?[0-9]*)?")
_WORDS: Final = ("true", "false", "null")


class Progress(Enum):
    """Of something that is being read."""

    OPEN = 0
    WHOLE = 1
    BROKEN = 2


_OPEN: Final = Progress.OPEN

# What may come, apart from white space. Plain numbers: to name a member of an Enum takes as long as to read a token.
_OBJECT: Final = 0
_KEY_OR_END: Final = 1
_KEY: Final = 2
_COLON: Final = 3
_VALUE: Final = 4
_VALUE_OR_END: Final = 5
_COMMA_OR_END: Final = 6
_IN_STRING: Final = 7
_IN_ESCAPE: Final = 8
_IN_BARE: Final = 9


class JsonObject:
    """`feed` pieces until `progress` is not OPEN any more. arrays: an array will do, too.

    certain: a value has begun behind a key or a comma, as it hardly does in anything but JSON.
    """

    def __init__(self, *, arrays: bool = False) -> None:
        self._opening = "{[" if arrays else "{"
        self.certain = False
        self._next = _OBJECT
        self._stack: list[str] = []
        self._in_key = False
        self._token = ""
        self.progress = Progress.OPEN

    def feed(self, text: str, at: int) -> int:
        """Reads `text` from `at`. The place after what was read: after the object, or where the text breaks it."""
        while at < len(text) and self.progress is _OPEN:
            expected = self._next
            if expected == _IN_STRING:
                at = self._string(text, at)
            elif expected == _IN_ESCAPE:
                at = self._escape(text, at)
            elif expected == _IN_BARE:
                at = self._bare(text, at)
            else:
                at = self._mark(text, at)
        return at

    def _mark(self, text: str, at: int) -> int:
        found = _SPACE.match(text, at)
        at = found.end() if found else at
        if at == len(text):
            return at
        if not self._takes(text[at]):
            self.progress = Progress.BROKEN
            return at
        return at if self._next == _IN_BARE else at + 1

    def _takes(self, mark: str) -> bool:
        """Whether the character may stand here; then what follows it is known."""
        expected = self._next
        if expected == _OBJECT:
            return mark in self._opening and self._open(mark)
        if expected == _COLON:
            self._next = _VALUE
            return mark == ":"
        if expected == _COMMA_OR_END:
            if mark == ",":
                self._next = _KEY if self._stack[-1] == "{" else _VALUE
                return True
            return self._close(mark)
        if expected in (_KEY, _KEY_OR_END):
            if mark == '"':
                self._next, self._in_key = _IN_STRING, True
                return True
            return expected == _KEY_OR_END and self._close(mark)
        if expected == _VALUE_OR_END:
            return (mark == "]" and self._close(mark)) or self._begins(mark)
        begins = self._begins(mark)
        self.certain |= begins
        return begins

    def _begins(self, mark: str) -> bool:
        """A value."""
        if mark in "{[":
            return self._open(mark)
        if mark == '"':
            self._next, self._in_key = _IN_STRING, False
            return True
        self._next, self._token = _IN_BARE, ""
        return mark in "-0123456789tfn"

    def _open(self, mark: str) -> bool:
        self._stack.append(mark)
        self._next = _KEY_OR_END if mark == "{" else _VALUE_OR_END
        return len(self._stack) <= MAX_DEPTH

    def _close(self, mark: str) -> bool:
        if mark != ("}" if self._stack[-1] == "{" else "]"):
            return False
        self._stack.pop()
        self._next = _COMMA_OR_END
        if not self._stack:
            self.progress = Progress.WHOLE
        return True

    def _string(self, text: str, at: int) -> int:
        found = _STRING.match(text, at)
        at = found.end() if found else at
        if at == len(text):
            return at
        if text[at] == '"':
            self._next = _COLON if self._in_key else _COMMA_OR_END
            return at + 1
        if text[at] != "\\":
            self.progress = Progress.BROKEN
            return at
        self._next, self._token = _IN_ESCAPE, ""
        return at

    def _escape(self, text: str, at: int) -> int:
        """One character after the other: there are six at most."""
        token = self._token + text[at]
        if _ESCAPE.fullmatch(token):
            self._next = _IN_STRING
        elif _ESCAPE_BEGUN.fullmatch(token):
            self._token = token
        else:
            self.progress = Progress.BROKEN
            return at
        return at + 1

    def _bare(self, text: str, at: int) -> int:
        """A number, or one of the three words; it ends where another character stands."""
        found = _BARE.match(text, at)
        end = found.end() if found else at
        token = self._token + text[at:end]
        if len(token) > MAX_TOKEN_LENGTH:
            self.progress = Progress.BROKEN
            return at
        if end < len(text):
            whole = token in _WORDS or _NUMBER.fullmatch(token) is not None
            self._next = _COMMA_OR_END
        else:
            whole = _NUMBER_BEGUN.fullmatch(token) is not None or any(word.startswith(token) for word in _WORDS)
            self._token = token
        if not whole:
            self.progress = Progress.BROKEN
            return at
        return end
