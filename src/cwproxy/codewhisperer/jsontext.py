"""JSON of doubtful origin: what models, clients and the backend call JSON, read without trusting it.

Lone surrogates (`"\\ud83d"`, half an emoji cut by somebody) and bytes that are not UTF-8 become U+FFFD: they are
damage inside a text, not a reason to fail (reliability.md 3 fault 41). Anything else that RFC 8259 refuses is refused:
`NaN`, numbers beyond a double, raw control characters, trailing text, nesting that would exhaust the stack.
"""

import re

import msgspec

_decode = msgspec.json.Decoder().decode

_ESCAPE = re.compile(
    r"\\(?:"
    r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
    re.DOTALL,
)


def without_surrogates(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse(data: str | bytes, *, max_depth: int | None = None) -> object:
    """The value of a JSON document, nested at most `max_depth` levels. Raises ValueError when it is none."""
    try:
        try:
            value = _decode(data)
        except ValueError:
            text = data.decode("utf-8", "replace") if isinstance(data, bytes) else without_surrogates(data)
            value = _decode(_ESCAPE.sub(_scalar, text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if max_depth is not None and _may_be_deeper(data, max_depth) and _is_deeper(value, max_depth):
        raise ValueError("nested too deeply")
    return value


def _may_be_deeper(data: str | bytes, levels: int) -> bool:
    """A cheap look before the walk: a document cannot have more levels than opening brackets."""
    if isinstance(data, bytes):
        return data.count(b"[") + data.count(b"{") > levels
    return data.count("[") + data.count("{") > levels


def _is_deeper(value: object, levels: int) -> bool:
    level: list[object] = [value]
    for _ in range(levels):
        level = [
            member
            for item in level
            if isinstance(item, dict | list)
            for member in (item.values() if isinstance(item, dict) else item)
        ]
    return any(isinstance(item, dict | list) for item in level)


def _scalar(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]
