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


def parse(data: str | bytes) -> object:
    """The value of a JSON document. Raises ValueError when it is none."""
    try:
        try:
            return _decode(data)
        except ValueError:
            text = data.decode("utf-8", "replace") if isinstance(data, bytes) else without_surrogates(data)
            return _decode(_ESCAPE.sub(_scalar, text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _scalar(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape["lone"] else escape[0]
