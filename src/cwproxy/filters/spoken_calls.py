"""Tool calls that a model has written as text, found in the text while it streams.

A call counts when it stands alone: it begins a line, nothing but white space or another call follows it there, it is
not in code or a quotation (`verbatim`), no result is told right after it, it is of a tool on offer, and its arguments
are right for that tool. Everything else is text, and given out byte for byte. Held back is only what may still turn
out to be such a call, and the white space around it, which goes with it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from cwproxy.filters.jsonobject import Progress
from cwproxy.filters.notation import FIRST, Candidate, Notation, Written
from cwproxy.filters.verbatim import Verbatim

MAX_CALLS: Final = 128
"""Calls of one answer; what looks like one after that is text."""

MAX_CANDIDATES: Final = 1_000
"""Calls whose arguments are looked at, in one answer."""

_SLICE: Final = 8_192
"""Characters that are looked at at a time, so that what is put back is never much."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LINE: Final = re.compile(r"\n(?=Tool |\[Called |\[Tool |<tool_|<func|[T\[<].{0,7}\Z)")
"""Before a line that may begin with a call, or whose beginning is too short to tell."""

_INDENT: Final = 3
"""Of Markdown: text that is further in is code."""

_WIDE: Final = 1_000
"""Characters of white space that are held back at most."""

_TOLD: Final = (
    *("result:", "results:", "result of", "result is", "result =", "tool result", "tool output", "tool response"),
    *("[result", "[tool result", "[tool_result", "[tool output", "[tool response", "<tool_result", "<tool_response"),
    *("<function_result", "<function_response", "<result", "output:", "returned:", "returns:", "response:", "returns "),
    *("observation:", "=>", "->", "\u2192", "returned "),
)
"""How what comes after a call begins where the call is told of, or its result made up."""


@dataclass(frozen=True, slots=True)
class Call:
    """name: the client's own of the tool. arguments: JSON text of an object, as it was written."""

    name: str
    arguments: str


Said: TypeAlias = str | Call


class SpokenCalls:
    """`feed` each piece of one text, `flush` at its end. No string among the results is empty.

    accept: what a call stands for; None where it is none.
    """

    def __init__(self, notation: Notation, accept: Callable[[Written], Call | None]) -> None:
        self._notation = notation
        self._accept = accept
        self._calls = self._candidates = 0
        self._forget()

    def _forget(self) -> None:
        self._verbatim = Verbatim()
        self._at_start = True
        self._lead: str | None = ""
        self._candidate: Candidate | None = None
        self._group: list[Call] = []
        self._group_text: list[str] = []
        self._gap = self._look = ""
        self._looking = False
        self._out: list[Said] = []

    def feed(self, text: str) -> list[Said]:
        """What can be given out now."""
        if text and not self._at_start and self._lead is None and self._is_plain and "\n" not in text:
            self._verbatim.feed(text)  # most pieces: the middle of a line
            return [text]
        for start in range(0, len(text), _SLICE):
            self._read(text[start : start + _SLICE])
        return self._given_out()

    @property
    def _is_plain(self) -> bool:
        """Nothing is held back."""
        return self._candidate is None and not self._group

    def flush(self) -> list[Said]:
        """The rest. The next piece begins another text."""
        while self._candidate is not None:
            self._read(self._given_up(self._candidate, ""))
        if self._group:
            self._confirm(self._gap + self._look if self._look else "")
        self._say("")
        out = self._given_out()
        self._forget()
        return out

    def _given_out(self) -> list[Said]:
        out, self._out = self._out, []
        return list(_joined(out))

    def _read(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self._candidate is not None:
                candidate = self._candidate
                at = candidate.feed(text, at)
                if candidate.progress is Progress.WHOLE and (call := self._judged(candidate)) is not None:
                    self._group.append(call)
                    self._group_text += [self._gap, candidate.text]
                    self._candidate, self._gap = None, ""
                elif candidate.progress is not Progress.OPEN:
                    text, at = self._given_up(candidate, text[at:]), 0
            elif self._group:
                text, at = self._after(text, at)
            else:
                at = self._plain(text, at)

    def _judged(self, candidate: Candidate) -> Call | None:
        written = candidate.written()
        self._candidates += 1
        return None if written is None else self._accept(written)

    def _may_begin(self, text: str, at: int) -> bool:
        """Whether a call may begin there."""
        if text[at] not in FIRST or not self._notation.begins(text[at : at + self._notation.longest]):
            return False
        room = self._calls + len(self._group) < MAX_CALLS and self._candidates < MAX_CANDIDATES
        return room and not self._verbatim.shows

    def _plain(self, text: str, at: int) -> int:
        """Up to the next line that may be a call, or the place where one may begin."""
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
        if not text:
            return
        self._out.append(text)
        self._verbatim.feed(text)
        self._at_start = text.endswith("\n")

    def _given_up(self, candidate: Candidate, rest: str) -> str:
        """What is to be read again, now that the candidate is none."""
        self._candidate = None
        if self._group and "\n" in self._gap:
            self._looking = True
            return candidate.text + rest
        if self._group:
            self._drop()
        text = candidate.text + rest
        self._say(text[:1])  # so that no call is looked for there again
        return text[1:]

    def _after(self, text: str, at: int) -> tuple[str, int]:
        """Behind a call: what is to be read, and from where."""
        if not self._look:
            found = _SPACE.match(text, at)
            end = found.end() if found else at
            self._gap, at = self._gap + text[at:end], end
            if len(self._gap) > _WIDE:
                self._confirm(self._gap)
                return text, at
            if at == len(text):
                return text, at
            apart = "\n" in self._gap
            if not self._looking and (self._gap.endswith("\n") or not apart) and self._may_begin(text, at):
                self._candidate = Candidate(self._notation)
                return text, at
            if not apart:
                self._drop()
                return text, at
        self._look += text[at]
        at += 1
        seen = self._look.lower()
        if seen in _TOLD:
            look = self._look
            self._drop()
            return look + text[at:], 0
        if not any(told.startswith(seen) for told in _TOLD):
            look = self._look
            self._confirm(self._gap)
            return look + text[at:], 0
        return text, at

    def _confirm(self, after: str) -> None:
        """The group is one of calls. after: the text that follows it."""
        self._out += self._group
        self._calls += len(self._group)
        self._lead = None
        self._settle()
        self._say(after)

    def _drop(self) -> None:
        """The group is text."""
        text = "".join(self._group_text) + self._gap
        self._settle()
        self._say(text)

    def _settle(self) -> None:
        self._group, self._group_text = [], []
        self._gap = self._look = ""
        self._looking = False


def _joined(said: list[Said]) -> Iterator[Said]:
    """Neighbouring texts made one."""
    texts: list[str] = []
    for item in said:
        if isinstance(item, str):
            texts.append(item)
            continue
        if texts:
            yield "".join(texts)
            texts = []
        yield item
    if texts:
        yield "".join(texts)
