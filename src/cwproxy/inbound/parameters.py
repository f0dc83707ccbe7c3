"""Parameters of a request, and what becomes of each of them (compatibility.md 3.2).

A dialect writes one table; what is refused, and what the response headers name, follows from it, and so does the table
for people. Types and ranges are those of the dialect's request struct.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from cwproxy.errors import InvalidRequest


class Kind(Enum):
    """What becomes of a parameter."""

    HONOURED = "honoured"
    EMULATED = "emulated"
    IGNORED = "ignored"
    REFUSED = "refused"


class Parameter(msgspec.Struct, frozen=True):
    """sentence: for people. asks: whether a value that is not null asks for anything at all.

    told: an ignored parameter is named in a response header, because the client could see a difference; it is what
    the strict mode refuses.
    """

    name: str
    kind: Kind
    sentence: str
    asks: Callable[[object], bool] = lambda value: True
    told: bool = True


class Effects(msgspec.Struct, frozen=True):
    """Names of parameters, for the response headers."""

    ignored: tuple[str, ...] = ()
    emulated: tuple[str, ...] = ()


def effects(request: msgspec.Struct, table: Sequence[Parameter]) -> Effects:
    """What becomes of the parameters that the request has. Raises InvalidRequest for one that is refused."""
    ignored, emulated = [], []
    for parameter in table:
        value = getattr(request, parameter.name)
        if value is None or not parameter.asks(value):
            continue
        match parameter.kind:
            case Kind.REFUSED:
                name = parameter.name
                raise InvalidRequest(
                    f"`{name}` cannot be served. {parameter.sentence}", param=name, code="unsupported_value"
                )
            case Kind.IGNORED if parameter.told:
                ignored.append(parameter.name)
            case Kind.EMULATED:
                emulated.append(parameter.name)
            case _:
                pass
    return Effects(tuple(ignored), tuple(emulated))


def accepted(request: type[msgspec.Struct]) -> dict[str, str]:
    """What each parameter takes, in words."""
    return {name: _words(hint) for name, hint in get_type_hints(request, include_extras=True).items()}


def markdown(request: type[msgspec.Struct], table: Iterable[Parameter]) -> str:
    """The table for people."""
    takes = accepted(request)
    rows = [f"| `{p.name}` | {takes[p.name]} | {p.kind.value} | {p.sentence} |" for p in table]
    return "\n".join(["| parameter | takes | | |", "|---|---|---|---|", *rows])


_NAMES: Final = {str: "string", int: "integer", float: "number", bool: "true or false", dict: "object", list: "list"}


def _words(hint: object) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ranged(arguments[0], arguments[1])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is UnionType or len(arguments) > 1 and NoneType in arguments:
        return " or ".join(_words(each) for each in arguments if each is not NoneType)
    if origin is list:
        return f"list of {_words(arguments[0])}" if get_origin(arguments[0]) is Literal else "list"
    for kind, name in _NAMES.items():
        if kind in (hint, origin):
            return name
    return "object"


def _ranged(hint: object, limits: msgspec.Meta) -> str:
    if limits.max_length is not None:
        return f"list of up to {limits.max_length}"
    if limits.le is None:
        return f"{_words(hint)} from {limits.ge}"
    return f"{_words(hint)} from {limits.ge} to {limits.le}"
