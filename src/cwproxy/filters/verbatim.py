"""Where an answer shows text instead of saying it: code, quotations, thoughts, examples. No call is meant there.

It errs on the side of showing. What is left open (a fence, a stray backtick) makes the rest of the text a thing that is
shown, because running a tool that nobody meant to run is worse than showing a call as text.
"""

import re
from collections.abc import Callable
from typing import Final

_FENCE: Final = re.compile(r"\s*(?:(?:[-*+]|[0-9]{1,9}[.)])\s+)*(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_TAG: Final = re.compile(
    r"<(?P<name>pre|code|script|style|textarea|samp|xmp|template|examples?|quote|blockquote|thinking|think)\b", re.I
)
_HEREDOC: Final = re.compile(r"<<[-~]?(?:(?P<quote>['\"])(?P<quoted>\w+)(?P=quote)|(?P<plain>[A-Z_]{2,}))")
_TRIPLE: Final = ('"""', "'''")
_OPENING: Final = "“‘«„「『(["
_STRAIGHT: Final = "\"'"
_INTRODUCES: Final = re.compile(
    r"(?:\bexamples?|\be\.g\.|\bfor instance|\bsuch as|\blike this|\blooks? like"
    r"|\bwould (?:\w+ )?(?:print|write|say)\b.*"
    r"|\bprints?|\bprinted|\bwrote|\bwrites|\btranscript)\W*[:\uff1a]\W*$"
    r"|\b(?:for example|e\.g\.|for instance)\b.*[:\uff1a]\W*$"
    r"|^\W*(?:user|human)\W*[:\uff1a]"
    r"|^\W*(?:example|sample|transcript)\b[^.!?]{0,40}$",
    re.I,
)

_Ends = Callable[[str], bool]
"""Whether a line is the last one of what is shown."""


class Verbatim:
    """`feed` each piece of the text; `shows` is asked at the beginning of a line."""

    def __init__(self) -> None:
        self._ends: _Ends | None = None
        self._last = ""
        self._line: list[str] = []

    def feed(self, text: str) -> None:
        end = text.rfind("\n")
        if end == -1:
            self._line.append(text)
            return
        lines = "".join(self._line) + text[:end]
        self._line = [text[end + 1 :]]
        if self._ends is not None or _is_marked(lines):
            ends = self._ends
            for line in lines.split("\n"):
                if ends is not None:
                    if ends(line.rstrip("\r")):
                        ends = None
                elif _is_marked(line):
                    ends = _shown_from(line.rstrip("\r"))
            self._ends = ends
        if last := lines.rstrip().rpartition("\n")[2]:
            self._last = last

    @property
    def shows(self) -> bool:
        """Whether what begins in the next line is shown."""
        return self._ends is not None or _quotes(self._last) or _INTRODUCES.search(self._last[-300:]) is not None


def _is_marked(text: str) -> bool:
    """Nothing that is shown begins without any of these. One search for all of them would take ten times as long."""
    return "`" in text or "<" in text or "~" in text or '"""' in text or "'''" in text or "/*" in text


def _quotes(line: str) -> bool:
    """Whether a quotation begins at the end of the line."""
    line = line.rstrip()
    if not line:
        return False
    if line[-1] in _OPENING:
        return True
    return line[-1] in _STRAIGHT and (len(line) == 1 or line[-2] in " \t([{:=,>")


def _shown_from(line: str) -> _Ends | None:
    """When something that is shown goes on after this line: what ends it."""
    fence = _FENCE.match(line)
    if fence is not None and not (fence["marks"][0] == "`" and "`" in fence["info"]):
        return _closing_fence(fence["marks"], len(line) - len(line.lstrip()))
    for triple in _TRIPLE:
        if line.count(triple) % 2:
            return _odd(triple)
    if line.count("`") % 2:
        return _odd("`")
    tags = list(_TAG.finditer(line))
    if tags and (closing := f"</{tags[-1]['name'].lower()}>") not in line[tags[-1].end() :].lower():
        return lambda later: closing in later.lower()
    return _comment(line) or _heredoc(line)


def _closing_fence(marks: str, indent: int) -> _Ends:
    def ends(line: str) -> bool:
        found = line.strip()
        indented = len(line) - len(line.lstrip()) > indent + 3
        return len(found) >= len(marks) and not found.strip(marks[0]) and not indented

    return ends


def _odd(mark: str) -> _Ends:
    return lambda line: line.count(mark) % 2 == 1


def _comment(line: str) -> _Ends | None:
    for begin, end in (("<!--", "-->"), ("/*", "*/")):
        at = line.rfind(begin) if begin == "<!--" else (0 if line.lstrip().startswith(begin) else -1)
        if at != -1 and end not in line[at:]:
            return lambda later, end=end: end in later  # type: ignore[misc]
    return None


def _heredoc(line: str) -> _Ends | None:
    found = _HEREDOC.search(line)
    if found is None:
        return None
    word = found["quoted"] or found["plain"]
    return lambda later: later.strip() == word
