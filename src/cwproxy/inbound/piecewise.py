"""Decode one long list of a large body item by item.

The decoder does not let go of the interpreter before it is through, and a body of ten megabytes may keep it for tens of
milliseconds: every other stream of the process would stand still meanwhile, whatever thread does it. What comes out is
the same as of `msgspec.json.Decoder(kind)`.
"""

from typing import Any, Generic, TypeVar, get_args

import msgspec
from msgspec import structs

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class Piecewise(Generic[_Kind]):
    """member: a member of `kind` that is `list[a Struct] | None`.

    Calling it raises msgspec.DecodeError and UnicodeDecodeError as the whole decoder does, but paths within an item do
    not name the item: who wants to tell has the body decoded as a whole. Where the member is given more than once, only
    the last one is looked into.
    """

    def __init__(self, kind: type[_Kind], member: str) -> None:
        fields = structs.fields(kind)
        (items,) = (field.type for field in fields if field.name == member)
        (listed,) = (option for option in get_args(items) if option is not type(None))
        (item,) = get_args(listed)
        frame: list[tuple[str, Any, Any]] = [
            (field.name, list[msgspec.Raw] | None if field.name == member else field.type, field.default)
            for field in fields
        ]
        self._kind = kind
        self._member = member
        self._names = tuple(field.name for field in fields)
        self._frame = msgspec.json.Decoder(msgspec.defstruct(f"{kind.__name__}Frame", frame))
        self._item = msgspec.json.Decoder(item)

    def __call__(self, body: bytes) -> _Kind:
        frame = self._frame.decode(body)
        found = {name: getattr(frame, name) for name in self._names}
        raws: list[msgspec.Raw] | None = found[self._member]
        if raws is not None:
            found[self._member] = [self._item.decode(raw) for raw in raws]
        return self._kind(**found)
