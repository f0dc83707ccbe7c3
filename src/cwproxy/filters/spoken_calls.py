"""Tool calls that a model has written as text, found in the text while it streams.

Calls count when they end the answer: nothing but white space comes after the last, nothing but white space stands
between them, the first begins a line, what is said before it does not introduce, enclose or quote it (`preamble`), each
is of a tool on offer, and its arguments are right for that tool. Everything else is text, and given out byte for byte,
in order. Held back is only what may still turn out to be such calls, and the white space around them, which goes with
them. An answer that has shown one call has shown all that follow: then they are told of.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from cwproxy.filters.jsonobject import Progress
from cwproxy.filters.notation import FIRST, Candidate, Notation, Written
from cwproxy.filters.preamble import Preamble

MAX_CALLS: Final = 128
"""Calls of one answer; one that has more has none."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LINE: Final = re.compile(r"\n(?=Tool |\[Called |\[Tool |<tool_|<func|[T\[<].{0,7}\Z)")
"""Before a line that may begin with a call, or whose beginning is too short to tell."""

_INDENT: Final = 3
"""Of Markdown: text that is further in is code."""

_WIDE: Final = 1_000
"""Characters of white space that are held back at most."""


class Call(msgspec.Struct, frozen=True):
    """name: the client's own of the tool. arguments: JSON text of an object, as it was written."""

    name: str
    arguments: str


class SpokenCalls:
    """`feed` each piece of an answer's texts, `flush` at the end of each. When the answer is over, `take` its
    `calls`; when more than white space comes before that, `release` them as the text that they are.

    accept: what a call stands for; None where it is none.
    """

    def __init__(self, notation: Notation, accept: Callable[[Written], Call | None]) -> None:
        self._notation = notation
        self._accept = accept
        self._preamble = Preamble()
        self.calls: list[Call] = []
        self._taken: list[str] = []
        self._gap = ""
        self._candidate: Candidate | None = None
        self._at_start = True
        self._lead: str | None = ""
        self._out: list[str] = []

    def feed(self, text: str) -> str:
        """What is certain to be text."""
        if self._candidate is None and not self.calls and self._lead is None:
            if self._preamble.spoilt:
                return text
            if text and not self._at_start and "\n" not in text:  # most pieces: the middle of a line
                self._preamble.feed(text)
                return text
        at = 0
        while at < len(text):
            if self._candidate is not None:
                at = self._on(self._candidate, text, at)
            elif self.calls:
                at = self._after(text, at)
            else:
                at = self._plain(text, at)
        return self._given_out()

    def flush(self) -> str:
        """The rest of one text, without `calls`."""
        if self._candidate is not None:
            self._show(self._candidate)
        if not self.calls:
            self._say("")
            self._begin()
        return self._given_out()

    def take(self) -> list[Call]:
        """`calls`, with which the answer ends."""
        calls = self.calls
        self._untaken()
        self._lead = ""
        return calls

    def release(self) -> str:
        """`calls` as text, after `flush`."""
        self._drop()
        self._begin()
        return self._given_out()

    def _given_out(self) -> str:
        out, self._out = "".join(self._out), []
        return out

    def _begin(self) -> None:
        """Another text of the answer."""
        self._preamble.feed("\n")
        self._at_start, self._lead = True, ""

    def _on(self, candidate: Candidate, text: str, at: int) -> int:
        at = candidate.feed(text, at)
        if candidate.progress is Progress.OPEN:
            return at
        written = candidate.written() if candidate.progress is Progress.WHOLE else None
        call = None if written is None else self._accept(written)
        if call is None:
            self._show(candidate)
        else:
            self._candidate = None
            self.calls.append(call)
            self._taken.append(candidate.text)
        return at

    def _show(self, candidate: Candidate) -> None:
        """The candidate is none, nor are the calls before it."""
        if self.calls or candidate.progress is Progress.WHOLE:
            self._preamble.spoil()
        self._candidate = None
        self._taken.append(candidate.text)
        self._say(self._untaken())

    def _may_begin(self, text: str, at: int) -> bool:
        """Whether a call may begin there."""
        if text[at] not in FIRST or not self._notation.begins(text[at : at + self._notation.longest]):
            return False
        return self._preamble.permits and len(self.calls) < MAX_CALLS

    def _plain(self, text: str, at: int) -> int:
        """Up to the next line that may be a call, or the place where one may begin."""
        if self._preamble.spoilt:
            self._say(text[at:])
            return len(text)
        if self._lead is not None:
            found = _SPACE.match(text, at)
            end = found.end() if found else at
            self._lead, at = self._lead + text[at:end], end
            if len(self._lead) > _WIDE:
                self._say("")
            else:
                column = self._lead.rpartition("\n")[2]
                self._at_start = len(column) <= _INDENT and "\t" not in column
            if at == len(text):
                return at
        if self._at_start and self._may_begin(text, at):
            self._candidate = Candidate(self._notation)
            return at
        line = _LINE.search(text, at)
        end = line.end() if line else len(text)
        self._say(text[at:end])
        return end

    def _say(self, text: str) -> None:
        """Give out text, in which nothing is looked for any more."""
        text, self._lead = (self._lead or "") + text, None
        if text:
            self._out.append(text)
            self._preamble.feed(text)
            self._at_start = text.endswith("\n")

    def _after(self, text: str, at: int) -> int:
        """Behind a call."""
        found = _SPACE.match(text, at)
        end = found.end() if found else at
        self._gap, at = self._gap + text[at:end], end
        if at == len(text) and len(self._gap) <= _WIDE:
            return at
        alone = "\n" not in self._gap or self._gap.endswith("\n")
        if at < len(text) and alone and self._may_begin(text, at):
            self._taken.append(self._gap)
            self._gap = ""
            self._candidate = Candidate(self._notation)
        else:
            self._drop()
        return at

    def _drop(self) -> None:
        """The calls are text, and whatever follows them."""
        self._preamble.spoil()
        self._say(self._untaken())

    def _untaken(self) -> str:
        text = "".join(self._taken) + self._gap
        self.calls, self._taken, self._gap = [], [], ""
        return text
