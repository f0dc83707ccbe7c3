"""JSON as a Smithy parser takes it: text to plain Python values, and walks over them that cannot overflow the stack.

Raises `NotStrictJson` for anything that is not strict JSON: broken syntax, NaN and Infinity, numbers beyond a double,
bytes that are not UTF-8, a byte order mark, lone surrogates, a key that appears twice in one object (parsers differ on
it, and no honest encoder writes it), or nesting deeper than the parser follows.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

_BLANK = " \t\r\n"
_DEEPEST = 400


class NotStrictJson(Exception):
    """The message says what was found."""


def parse(body: bytes) -> Any:
    """The one JSON value of a whole body."""
    try:
        text = body.decode("utf-8").strip(_BLANK)
    except UnicodeDecodeError as error:
        raise NotStrictJson(str(error)) from error
    value, end = parse_leading(text)
    if end != len(text):
        raise NotStrictJson("text after the JSON value")
    return value


def parse_leading(text: str) -> tuple[Any, int]:
    """The JSON value that the text begins with, and where it ends."""
    decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique)
    try:
        value, end = decoder.raw_decode(text)
    except RecursionError as error:
        raise NotStrictJson("nested too deeply") from error
    except ValueError as error:
        raise NotStrictJson(str(error)) from error
    if text.count("[", 0, end) + text.count("{", 0, end) > _DEEPEST:
        _no_deep_nesting(value)
    if "\\u" in text:
        _no_lone_surrogates(value)
    return value, end


def strings(value: Any, *, skip: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every string in a JSON value, keys too, in no particular order; members named in `skip` are left out."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            for key, member in item.items():
                if key not in skip:
                    yield key
                    pending.append(member)
        elif isinstance(item, list):
            pending.extend(item)


def characters(value: Any, *, skip: frozenset[str] = frozenset()) -> int:
    return sum(map(len, strings(value, skip=skip)))


def serialised(value: Any) -> str:
    """JSON text to measure, in the longer of the two usual spellings: nobody knows the service's own."""
    return json.dumps(value, ensure_ascii=False)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is not a double")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return members


def _no_deep_nesting(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [member for item in containers for member in (item.values() if isinstance(item, dict) else item)]
    if level:
        raise NotStrictJson("nested too deeply")


def _no_lone_surrogates(value: Any) -> None:
    for text in strings(value):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotStrictJson("a lone surrogate") from error
