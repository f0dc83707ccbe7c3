"""Bodies and headers without what must not lie about: credentials go, pictures and documents are cut short.

Users paste such files into public places, so whatever looks like a secret is blanked, in prompts as well
(reliability.md 2.4, backend-rules.md D "Security"). Prompts stay: they are what failed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cwproxy.redaction import REDACTED, redacted

_SECRET_KEYS = re.compile(
    r"(?i)(?:authorization|cookie|password|passwd|secret|api[-_]?key|(?:access|refresh|id|session|security)[-_]?token)$"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{512,}={0,2}")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")

SHOWN: Final = 64
"""Characters of base64 that stay: enough to tell the format, and a whole number of bytes."""

OMITTED: Final = "omittedCharacters"
"""A member beside `bytes` of a picture or document, which says how much of it was left out."""


def text(value: str) -> str:
    """The same without secrets and long base64."""
    return _BASE64.sub(_shortened, redacted(value))


def url(value: str) -> str:
    """The same without a user and password."""
    return _USERINFO.sub("", value)


def headers(values: Mapping[str, str]) -> dict[str, str]:
    return {name: REDACTED if _SECRET_KEYS.search(name) else text(value) for name, value in values.items()}


def body(data: bytes) -> Any:
    """The JSON value of a body, else its text, without secrets and with its pictures cut short."""
    try:
        return _value(json.loads(data))
    except (ValueError, RecursionError):
        return text(data.decode("utf-8", "replace"))


def inflated(value: Any) -> Any:
    """A redacted JSON value with its pictures and documents at their old length again, so that it can be judged.

    What comes after the shown beginning is not what it was.
    """
    match value:
        case {"bytes": str(shown), **rest} if isinstance(omitted := rest.get(OMITTED), int):
            return {"bytes": shown + "A" * omitted}
        case dict():
            return {key: inflated(member) for key, member in value.items()}
        case list():
            return [inflated(member) for member in value]
        case _:
            return value


def _value(value: Any) -> Any:
    match value:
        case str():
            return text(value)
        case {"bytes": str(data)} if len(data) > SHOWN:
            return {"bytes": data[:SHOWN], OMITTED: len(data) - SHOWN}
        case dict():
            return {key: _member(key, member) for key, member in value.items()}
        case list():
            return [_value(member) for member in value]
        case _:
            return value


def _member(key: str, value: Any) -> Any:
    return REDACTED if isinstance(value, str) and _SECRET_KEYS.search(key) else _value(value)


def _shortened(match: re.Match[str]) -> str:
    data = match.group()
    return f"{data[:SHOWN]}[... {len(data)} characters in all]"
