"""The notations in which models write a tool call as text, and one such call while it is being read.

`Tool call: name({...})`, with or without brackets around it, and `[Called name with args: {...}]` are what gateways
once showed models as history, and models copy what they are shown; `<tool_call>{"name": ..., "arguments": {...}}
</tool_call>` and its relatives are what open models were trained on.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

import msgspec

from cwproxy.filters.jsonobject import JsonObject, Progress

TAGS: Final = ("tool_call", "tool_use", "function_call")
_ARGUMENTS: Final = ("arguments", "parameters", "input", "args")
_SPACE: Final = " \t\r\n"


FIRST: Final = "[T<"
"""What every beginning begins with."""


class Form(msgspec.Struct, frozen=True):
    """beginning: of a call; then come an object and `closing`. name: None where the object names the tool."""

    beginning: str
    name: str | None
    closing: str


class Written(msgspec.Struct, frozen=True):
    """A call as it is written. arguments: JSON text of an object."""

    name: str
    arguments: str


class Notation:
    """Every beginning that a call of one of `names` can have."""

    def __init__(self, names: Iterable[str]) -> None:
        forms = [Form(f"<{tag}>", None, f"</{tag}>") for tag in TAGS]
        for name in names:
            forms.append(Form(f"[Called {name} with args:", name, "]"))
            for word in ("Tool call:", "Tool Call:"):
                for head in (f"{word} {name}(", f"{word}{name}(", f"{word} {name} ("):
                    forms += [Form(head, name, ")"), Form(f"[{head}", name, ")]")]
        self._forms = {form.beginning: form for form in forms}
        self._heads = sorted(self._forms)
        self.longest = max(map(len, self._heads))

    def begins(self, text: str) -> Form | bool:
        """The form whose beginning `text` starts with; otherwise whether `text` is the start of a beginning."""
        at = bisect_right(self._heads, text)
        if at and text.startswith(self._heads[at - 1]):
            return self._forms[self._heads[at - 1]]
        return at < len(self._heads) and self._heads[at].startswith(text)


class Candidate:
    """Text that is a call so far. `feed` until `progress` is not OPEN any more; then, if it is WHOLE, `written`."""

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._head = ""
        self._form: Form | None = None
        self._object = JsonObject()
        self._document: list[str] = []
        self._closed = 0
        self._pieces: list[str] = []
        self.progress = Progress.OPEN

    @property
    def text(self) -> str:
        """All that was read."""
        return "".join(self._pieces)

    def feed(self, text: str, at: int) -> int:
        """Reads `text` from `at`. The place after what was read, or where the text stopped being a call."""
        start = at
        while at < len(text) and self.progress is Progress.OPEN:
            if self._form is None:
                at = self._beginning(text, at)
            elif self._object.progress is Progress.OPEN:
                end = self._object.feed(text, at)
                self._document.append(text[at:end])
                at = end
            else:
                at = self._end(text, at, self._form.closing)
            if self._object.progress is Progress.BROKEN:
                self.progress = Progress.BROKEN
        self._pieces.append(text[start:at])
        return at

    def written(self) -> Written | None:
        """The call, if it has a name and arguments."""
        text = "".join(self._document).strip(_SPACE)
        if self._form is None or self._form.name is not None:
            return None if self._form is None or self._form.name is None else Written(self._form.name, text)
        try:
            document = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            name = msgspec.json.decode(document.pop("name", b"null"), type=str)
        except msgspec.DecodeError:
            return None
        kind, given = document.pop("type", None), [document.pop(key) for key in _ARGUMENTS if key in document]
        document.pop("id", None)
        if document or len(given) != 1 or (kind is not None and bytes(kind) not in _KINDS):
            return None
        return Written(name, bytes(given[0]).decode())

    def _beginning(self, text: str, at: int) -> int:
        before = len(self._head)
        head = self._head + text[at : at + self._notation.longest - before]
        found = self._notation.begins(head)
        if found is False:
            self.progress = Progress.BROKEN
            return at
        if found is True:
            self._head = head
            return at + len(head) - before
        self._form = found
        return at + len(found.beginning) - before

    def _end(self, text: str, at: int, closing: str) -> int:
        if text[at] == closing[self._closed]:
            self._closed += 1
            if self._closed == len(closing):
                self.progress = Progress.WHOLE
        elif self._closed or text[at] not in _SPACE:
            self.progress = Progress.BROKEN
            return at
        return at + 1


_KINDS: Final = tuple(f'"{kind}"'.encode() for kind in ("function", *TAGS))
