"""JSON objects in other programs' files: read however they were saved, written with everything in them kept.

Seen are a byte order mark, UTF-16 as PowerShell writes it, CRLF, and bytes of an old code page in a field that does
not matter to us (backend-rules.md C 7). What is written is UTF-8 without a mark, which every reader takes.
"""

import json
import re

from cwproxy.errors import SourceError

_INDENT = re.compile(r"\{\r?\n( +|\t)")


def parse(data: bytes, name: str) -> dict[str, object]:
    """The members of the object. Raises SourceError, with nothing of the content in it; `name` is for people."""
    try:
        members = json.loads(_text(data))
    except (ValueError, RecursionError):
        # Not chained: the exception carries the whole document.
        raise SourceError(f"{name} is not whole: it is no valid JSON.") from None
    if not isinstance(members, dict):
        raise SourceError(f"{name} is not what it should be: it holds no JSON object.")
    return members


def changed(data: bytes, changes: dict[str, str | int]) -> bytes:
    """The object in `data` with these members, everything else as it is, in the same layout."""
    text = _text(data)
    members = json.loads(text)
    members.update(changes)
    indent = _INDENT.match(text.lstrip())
    separators = None if indent or ": " in text else (",", ":")
    laid_out = json.dumps(members, ensure_ascii=False, indent=indent[1] if indent else None, separators=separators)
    return (laid_out + ("\n" if text.endswith("\n") else "")).encode("utf-8", "surrogateescape")


def text(members: dict[str, object], *names: str) -> str | None:
    """The first of the members that is a text which says something."""
    for name in names:
        value = members.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def texts(members: dict[str, object], name: str) -> tuple[str, ...]:
    """A list of texts, or one text with spaces between them."""
    value = members.get(name)
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    return ()


def _text(data: bytes) -> str:
    encoding = json.detect_encoding(data)
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return data.decode(encoding, errors)
