"""The model list as an object that OpenAI's and Anthropic's clients both read (compatibility.md 1.9)."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from cwproxy.api.seam import Model


class _Item(msgspec.Struct, frozen=True, omit_defaults=False):
    """When a model came out is not known; 0 is what both APIs use for that."""

    id: str
    display_name: str
    context_length: int | msgspec.UnsetType = msgspec.UNSET
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "amazon"
    type: Literal["model"] = "model"
    created_at: str = "1970-01-01T00:00:00Z"
    lifecycle: Literal["active"] = "active"


class _Listing(msgspec.Struct, frozen=True):
    data: tuple[_Item, ...]
    first_id: str | None
    last_id: str | None
    object: Literal["list"] = "list"
    has_more: bool = False


def listing(named: Iterable[tuple[str, Model]]) -> bytes:
    """Models, each by the name that clients call it."""
    items = tuple(_item(model, name) for name, model in named)
    return msgspec.json.encode(_Listing(items, items[0].id if items else None, items[-1].id if items else None))


def single(model: Model, asked: str) -> bytes:
    """The model under the name that the client asked for, which may be an alias."""
    return msgspec.json.encode(_item(model, asked))


def _item(model: Model, id: str) -> _Item:
    window = model.max_input_tokens
    return _Item(id, model.name or model.id, msgspec.UNSET if window is None else window)
