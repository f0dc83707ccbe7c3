"""A tool's JSON Schema, reduced to what every surface accepts.

What remains is `type`, `properties`, `required`, `items`, `enum` and `description`. One profile of the backend or
another refuses everything else somewhere (backend-rules.md A3 32-38), and does so with a sentence that names no
cause, so all of it goes on all surfaces. Meaning is kept where it can be: references are inlined, `const` becomes an
`enum`, a union becomes its first useful branch with the other branches told in the description, and so are limits,
patterns and defaults, which a model reads there as well as anywhere.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from cwproxy.codewhisperer import jsontext

MAX_DEPTH: Final = 64
MAX_NODES: Final = 20_000
"""Subschemas after inlining. Definitions that refer to each other could otherwise double with every line."""

MAX_GROWTH: Final = 512 * 1024
"""Characters that inlining may add, for a long text that is referred to often."""

_CACHED_SCHEMA_LENGTH: Final = 64 * 1024
_MAX_NOTE_LENGTH: Final = 500

_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_UNIONS: Final = ("anyOf", "oneOf")
_COMBINED: Final = ("allOf", *_UNIONS)
_HOLDERS: Final = frozenset({"properties", "items", "prefixItems", *_COMBINED})
_NOTED: Final = (
    "default",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
)

_TOLD: Final = frozenset({"type", "required", "enum", "const", "description", *_NOTED})

_Schema: TypeAlias = dict[str, Any]


class UnusableSchema(ValueError):
    """The schema is not JSON, not a schema, or too deep or too large. The message says which."""


def clean(schema: bytes) -> msgspec.Raw:
    """The reduced schema as JSON text, its root always an object. Raises UnusableSchema."""
    if len(schema) > _CACHED_SCHEMA_LENGTH:
        return _clean(schema)
    return _cached(schema)


def _clean(schema: bytes) -> msgspec.Raw:
    try:
        document = jsontext.parse(schema, max_depth=4 * MAX_DEPTH)
    except ValueError as error:
        raise UnusableSchema(f"is not JSON: {error}") from error
    if document is None or isinstance(document, bool):
        document = {}
    if not isinstance(document, dict):
        raise UnusableSchema("is not a JSON object")
    return msgspec.Raw(msgspec.json.encode(_root(_Inliner(document, len(schema) + MAX_GROWTH).inline(document, 0))))


_cached = lru_cache(maxsize=256)(_clean)


class _Inliner:
    """Copies what is of use of a schema, with every `$ref` replaced by what it points to; cycles are cut where they
    close. `room` is in characters.
    """

    def __init__(self, document: _Schema, room: int) -> None:
        self._document = document
        self._room = room
        self._lengths: dict[int, int] = {}
        self._nodes = 0
        self._followed: list[str] = []

    def inline(self, given: object, depth: int) -> _Schema:
        """A subschema without references; `{}` (anything goes) for what is none."""
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise UnusableSchema(f"is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise UnusableSchema(f"has more than {MAX_NODES} parts")
        if not isinstance(given, dict):
            return {}
        pointer = given.get("$ref")
        if isinstance(pointer, str):
            return self._follow(pointer, given, depth)
        copy: _Schema = {}
        self._room -= len(given)
        for name, value in given.items():
            if name in _HOLDERS:
                copy[name] = self._held(name, value, depth + 1)
            elif name in _TOLD:
                copy[name] = value
                self._room -= len(value) if isinstance(value, str) else self._length(value)
        if self._room < 0:
            raise UnusableSchema(f"grows by more than {MAX_GROWTH} characters when its references are put in place")
        return copy

    def _held(self, name: str, value: object, depth: int) -> object:
        if name == "properties" and isinstance(value, dict):
            self._room -= sum(map(len, value))
            return {key: self.inline(sub, depth) for key, sub in value.items()}
        if isinstance(value, list):
            return [self.inline(sub, depth) for sub in value]
        return None if value is None else self.inline(value, depth)

    def _length(self, value: object) -> int:
        """Of its JSON text, about. The document keeps every list and object, so their identities stay their own."""
        if not isinstance(value, dict | list):
            return 0
        if id(value) not in self._lengths:
            self._lengths[id(value)] = len(_compact(value))
        return self._lengths[id(value)]

    def _follow(self, pointer: str, given: _Schema, depth: int) -> _Schema:
        """What stands beside a reference is kept and wins."""
        beside = self.inline({name: value for name, value in given.items() if name != "$ref"}, depth)
        target = self._lookup(pointer)
        if pointer in self._followed:
            kind = target.get("type", "object") if isinstance(target, dict) else "object"
            return {"type": kind, "description": f"as in {pointer}", **beside}
        self._followed.append(pointer)
        inlined = self.inline(target, depth + 1)
        self._followed.pop()
        return {**inlined, **beside}

    def _lookup(self, pointer: str) -> object:
        """What a local JSON pointer points to; None for other documents and dead ends."""
        found: object = self._document if pointer.startswith("#") else None
        for step in pointer.split("/")[1:]:
            if not isinstance(found, dict):
                return None
            found = found.get(step.replace("~1", "/").replace("~0", "~"))
        return found


def _root(schema: _Schema) -> _Schema:
    """The parameters: an object, whatever was written. All branches of a union become one (backend-rules.md A3 36)."""
    merged = {name: value for name, value in schema.items() if name not in _UNIONS}
    for name in _UNIONS:
        branches = [_flat(branch)[0] for branch in _branches(schema, name)]
        if branches:
            always = set.intersection(*(set(_names(branch.get("required"))) for branch in branches))
            merged = _overlaid([merged, *({**branch, "required": None} for branch in branches)])
            merged["required"] += sorted(always)
    reduced = _reduced(merged)
    if reduced.get("type", "object") != "object":
        return {"type": "object", "properties": {"input": reduced}, "required": ["input"]}
    reduced.pop("enum", None)
    return {"properties": {}, **reduced, "type": "object"}


def _reduced(schema: _Schema) -> _Schema:
    flat, notes = _flat(schema)
    reduced: _Schema = {}
    properties = flat.get("properties")
    kind = _kind(flat.get("type"), notes) or ("object" if isinstance(properties, dict) else None)
    if kind:
        reduced["type"] = kind
    if isinstance(properties, dict):
        reduced["properties"] = {name: _reduced(sub) for name, sub in properties.items()}
        required = [name for name in _names(flat.get("required")) if name in properties]
        if required:
            reduced["required"] = required
    items = flat.get("items", flat.get("prefixItems"))
    if isinstance(items, list):
        items = items[0] if items else None
    if isinstance(items, dict):
        reduced["items"] = _reduced(items)
    values = [flat["const"]] if "const" in flat else flat.get("enum")
    if isinstance(values, list) and values:
        reduced["enum"] = values
    if not flat.keys().isdisjoint(_NOTED):
        notes += [f"{name}: {_compact(flat[name])}" for name in _NOTED if flat.get(name) is not None]
    description = flat.get("description")
    told = [description] if isinstance(description, str) and description else []
    if notes:
        told.append(f"({'; '.join(notes)[:_MAX_NOTE_LENGTH]})")
    if told:
        reduced["description"] = " ".join(told)
    return reduced


def _flat(schema: _Schema) -> tuple[_Schema, list[str]]:
    """`allOf` merged in; of `anyOf` and `oneOf` the first branch that says something, and notes on the others."""
    notes: list[str] = []
    if schema.keys().isdisjoint(_COMBINED):
        return schema, notes
    flat = {name: value for name, value in schema.items() if name not in _COMBINED}
    for name in _COMBINED:
        branches = _branches(schema, name)
        useful = [branch for branch in branches if branch and branch.get("type") != "null"]
        layers = [flat]
        for branch in useful if name == "allOf" else useful[:1]:
            inner, more = _flat(branch)
            layers.append(inner)
            notes += more
        flat = _overlaid(layers)
        if name != "allOf":
            notes += [f"or {_compact(branch)}" for branch in useful[1:]]
            notes += ["or null"] * any(branch.get("type") == "null" for branch in branches)
    return flat, notes


def _overlaid(layers: Iterable[_Schema]) -> _Schema:
    """All at once: properties and required names of each, otherwise the earliest word."""
    merged: _Schema = {}
    properties: _Schema = {}
    required: list[str] = []
    for layer in layers:
        merged = {**layer, **merged}
        own = layer.get("properties")
        if isinstance(own, dict):
            properties |= {name: own[name] for name in own if name not in properties}
        required += _names(layer.get("required"))
    if properties:
        merged["properties"] = properties
    merged["required"] = required
    return merged


def _branches(schema: _Schema, name: str) -> list[_Schema]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    """The strings of a list, each once; nothing for null, a boolean or anything else."""
    return list(dict.fromkeys(name for name in value if isinstance(name, str))) if isinstance(value, list) else []


def _kind(given: object, notes: list[str]) -> str | None:
    """The one type; of several the first that is not null, and notes on the others."""
    kinds = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    known = [kind for kind in kinds if isinstance(kind, str) and kind in _TYPES]
    chosen = next((kind for kind in known if kind != "null"), known[0] if known else None)
    notes += [f"or {kind}" for kind in known if kind != chosen]
    return chosen


def _compact(value: object) -> str:
    return msgspec.json.encode(value).decode()
