"""A JSON value out of a JSON Schema and a prompt: how the simulated model fills in arguments and structured answers.

The table is that of compatibility.md 4.2 (R1). It is total: whatever stands in the schema, a JSON value comes out, and
a schema that refers to itself ends after a few rounds.
"""

import re
from typing import Any

_NUMBER = re.compile(r"(?<![\w.])-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?![0-9])")
_QUOTED = re.compile(r"(?<!\w)'([^']+)'(?!\w)")
_NUMBER_WITHOUT_PROMPT = "1"
_SHELL_TEXT = "echo stub-tool-ok"
_DEEPEST = 40
_MOST_REFERENCES = 3
_MOST_VALUES = 2_000


def sample(schema: Any, prompt: str) -> Any:
    """A value that fits the schema; numbers and 'quoted' text come from the prompt, in its order."""
    return _Sampler(schema, prompt).value(schema, "value", 0, 0)


class _Sampler:
    """One schema, one prompt; knows which number of the prompt is next and how many values it may still make."""

    def __init__(self, root: Any, prompt: str) -> None:
        self._root = root
        self._numbers: list[str] = _NUMBER.findall(prompt)
        self._quoted = _QUOTED.search(prompt)
        self._left = _MOST_VALUES

    def value(self, schema: Any, key: str, depth: int, references: int) -> Any:
        self._left -= 1
        is_last = self._left <= 0 or depth > _DEEPEST or references > _MOST_REFERENCES
        plain, followed = self._flatten(schema, is_last=is_last)
        references += followed
        if "const" in plain:
            return plain["const"]
        if isinstance(plain.get("enum"), list) and plain["enum"]:
            return plain["enum"][0]
        match _kind(plain):
            case "object":
                return {} if is_last else self._object(plain, depth, references)
            case "array":
                return [] if is_last else self._array(plain, key, depth, references)
            case "integer":
                return _within(plain, int(self._number().partition(".")[0]))
            case "number":
                number = self._number()
                return _within(plain, float(number) if "." in number else int(number))
            case "boolean":
                return False
            case "null":
                return None
            case _:
                return self._text(key)

    def _object(self, schema: dict[str, Any], depth: int, references: int) -> dict[str, Any]:
        properties = schema.get("properties")
        members = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        return {
            name: self.value(members.get(name), name, depth + 1, references) for name in dict.fromkeys(names or members)
        }

    def _array(self, schema: dict[str, Any], key: str, depth: int, references: int) -> list[Any]:
        if key in {"command", "cmd"}:
            return ["bash", "-lc", _SHELL_TEXT]
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list) and prefix:
            return [self.value(item, key, depth + 1, references) for item in prefix]
        least = schema.get("minItems")
        count = min(max(least, 1), 20) if isinstance(least, int) else 1
        return [self.value(schema.get("items"), key, depth + 1, references) for _ in range(count)]

    def _number(self) -> str:
        """The prompt's next number; its last one stays."""
        if not self._numbers:
            return _NUMBER_WITHOUT_PROMPT
        return self._numbers.pop(0) if len(self._numbers) > 1 else self._numbers[0]

    def _text(self, key: str) -> str:
        if key in {"command", "cmd"}:
            return _SHELL_TEXT
        return self._quoted[1] if self._quoted is not None else f"stub {key}"

    def _flatten(self, schema: Any, *, is_last: bool) -> tuple[dict[str, Any], int]:
        """The schema without references and unions, and the number of references that were followed."""
        followed = 0
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                break
            rest = {name: member for name, member in schema.items() if name not in {"$ref", "anyOf", "oneOf", "allOf"}}
            branches = schema.get("anyOf") or schema.get("oneOf")
            if isinstance(schema.get("$ref"), str):
                followed += 1
                schema = {**_mapping(self._pointed(schema["$ref"])), **rest}
            elif isinstance(branches, list) and branches:
                schema = {**rest, **_mapping(_null_or_first(branches) if is_last else branches[0])}
            elif isinstance(schema.get("allOf"), list) and schema["allOf"]:
                schema = _all(rest, schema["allOf"])
            else:
                return schema, followed
        return {}, followed

    def _pointed(self, reference: str) -> Any:
        """What a local reference (`#/$defs/Name`) stands for, or None."""
        target = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            if not isinstance(target, dict):
                return None
            target = target.get(step.replace("~1", "/").replace("~0", "~"))
        return target


def _mapping(schema: Any) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}


def _null_or_first(branches: list[Any]) -> Any:
    return next((branch for branch in branches if _mapping(branch).get("type") == "null"), branches[0])


def _all(rest: dict[str, Any], branches: list[Any]) -> dict[str, Any]:
    """All branches at once: their properties and required names add up, of anything else the last one counts."""
    whole: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[Any] = []
    for branch in (rest, *map(_mapping, branches)):
        whole.update(branch)
        properties.update(_mapping(branch.get("properties")))
        required.extend(branch["required"] if isinstance(branch.get("required"), list) else [])
    if properties:
        whole["properties"] = properties
    if required:
        whole["required"] = required
    return whole


def _kind(schema: dict[str, Any]) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = named[0] if named else None
    if isinstance(named, str):
        return named
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _within(schema: dict[str, Any], number: float) -> float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float) and number < low:
        return low
    if isinstance(high, int | float) and number > high:
        return high
    return number
