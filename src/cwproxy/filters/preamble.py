"""What an answer says before a call that is written as text: whether such a call may be meant at all.

By structure and not by words: it may be when nothing stands before it, or whole sentences only, each line of them
closed in itself, with code blocks and thoughts that are over; right before it neither a question nor an ellipsis. A
line that ends otherwise, a colon, a list, a heading, a table, a label, a tag, a quotation that is open: each of them
can introduce, enclose or quote what follows, and whoever repeats a file or a log says the least of it in sentences.
Then whatever follows is shown, to the end of the answer: running a tool that nobody meant to run is worse than showing
a call as text.
"""

import re
from collections.abc import Callable
from typing import Final

MAX_PROSE: Final = 2_000
"""Characters of sentences before a call. Who announces a call is brief; what is repeated may be long."""

_FENCE: Final = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
_THOUGHT: Final = re.compile(r"<(?P<name>thinking|think)>(?P<rest>.*)", re.DOTALL)
_NUMBERED: Final = re.compile(r"(?:[0-9]+|[A-Za-z])[.)](?:\s|$)")
_INTRODUCES: Final = re.compile(r":[*_\"'”’»)\]}]*(?:\s|$)|\uff1a")
_TAG: Final = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w:.-]*)[^<>]*>")
_ENDS: Final = tuple(".!。！।")
_ASKS: Final = ("...", *"?…？؟")
"""How a sentence ends that wants something after it."""

_MARKUP: Final = "*_)"
_INDENT: Final = 3
"""Of Markdown: a line that is further in is code."""

_EVEN: Final = ('"', "`", "“”„")
"""A line has an even number of these, taken together, where every quotation in it is closed."""

_PAIRS: Final = (*("()", "[]", "{}", "«»", "「」", "『』", "‹›"), ("<!--", "-->"), ("/*", "*/"))
_SINGLE: Final = re.compile(r"(?P<opens>(?<!\w)'(?=\w))|(?<![\s'])'(?!\w)")
"""A single quotation mark that is no apostrophe inside a word."""

_Ends = Callable[[str], str | None]
"""What follows on the line where a block ends; None where it goes on."""


class Preamble:
    """`feed` each piece of the text; `permits` is asked at the beginning of a line.

    spoilt: nothing that follows can be a call.
    """

    def __init__(self) -> None:
        self.spoilt = False
        self._ends: _Ends | None = None
        self._line: list[str] = []
        self._prose = 0
        self._asks = False

    @property
    def permits(self) -> bool:
        return not self.spoilt and self._ends is None and not self._asks

    def spoil(self) -> None:
        self.spoilt = True
        self._line.clear()

    def feed(self, text: str) -> None:
        if self.spoilt:
            return
        end = text.rfind("\n")
        if end != -1:
            lines = "".join(self._line) + text[:end]
            self._line = []
            for line in lines.split("\n"):
                self._read(line.rstrip("\r"))
        self._line.append(text[end + 1 :])

    def _read(self, line: str) -> None:
        if self._ends is not None:
            rest = self._ends(line)
            if rest is None:
                return
            self._ends, line = None, rest
        fence, thought = _FENCE.fullmatch(line), _THOUGHT.fullmatch(line)
        if fence is not None and not (fence["marks"][0] == "`" and "`" in fence["info"]):
            self._ends = _closing_fence(fence["marks"])
        elif thought is not None:
            self._ends = _closing_tag(f"</{thought['name']}>")
            self._read(thought["rest"])
        elif line.strip():
            self._prose += len(line)
            self._asks = line.rstrip().rstrip(_MARKUP).endswith(_ASKS)
            if self._prose > MAX_PROSE or not _says(line):
                self.spoil()


def _says(line: str) -> bool:
    """Whether the line is of whole sentences, and nothing in it goes on after it."""
    said = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if len(indent) > _INDENT or "\t" in indent or not said[0].isalnum() or _NUMBERED.match(said):
        return False
    if not said.rstrip(_MARKUP).endswith(_ENDS + _ASKS) or _INTRODUCES.search(said):
        return False
    if any(sum(map(said.count, marks)) % 2 for marks in _EVEN) or _open_single(said):
        return False
    return all(said.count(first) == said.count(last) for first, last in _PAIRS) and not _open_tags(said)


def _open_single(line: str) -> bool:
    found = list(_SINGLE.finditer(line))
    opened = sum(each["opens"] is not None for each in found)
    return opened > len(found) - opened or line.count("‘") > line.count("’") or line.count("'''") % 2 == 1


def _open_tags(line: str) -> bool:
    depth: dict[str, int] = {}
    for tag in _TAG.finditer(line):
        if not tag[0].endswith("/>"):
            depth[tag["name"]] = depth.get(tag["name"], 0) + (-1 if tag["end"] else 1)
    return any(depth.values())


def _closing_fence(marks: str) -> _Ends:
    def ends(line: str) -> str | None:
        found = line.strip()
        indented = len(line) - len(line.lstrip()) > _INDENT
        return "" if len(found) >= len(marks) and not found.strip(marks[0]) and not indented else None

    return ends


def _closing_tag(tag: str) -> _Ends:
    def ends(line: str) -> str | None:
        _, found, rest = line.partition(tag)
        return rest if found else None

    return ends
