"""Whether an answer is the JSON that was asked for.

The schema is the client's own and the document the model's, so neither is trusted: nothing is fetched for a `$ref`,
regular expressions are not run, and references are followed a bounded number of times.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_REFERENCES: Final = 20_000
"""References followed for one answer: a schema of a few lines can ask for billions."""


class _Unbounded(Exception):
    """The validation would not end in time."""


def fault(text: str, schema: bytes | None) -> str | None:
    """What is wrong with `text` as a JSON document of `schema` (JSON text), or as any JSON object when there is none.

    None when nothing is, and when the schema itself is what cannot be used.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"it is not JSON ({str(error) or 'too deep'})"
    if schema is None:
        return None if isinstance(document, dict) else "it is not a JSON object"
    try:
        return Contract(schema).fault(document)
    except ValueError:
        return None


class Contract:
    """What documents must be like. Raises ValueError for a schema (JSON text) that cannot be used."""

    def __init__(self, schema: bytes) -> None:
        # Imported when first needed: it takes longer than all the rest of a request.
        from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry

        try:
            wanted = _without_nulls(msgspec.json.decode(schema))
            drafts = (Draft202012Validator, Draft7Validator, Draft4Validator)
            draft = next((draft for draft in drafts if _is_of(draft, wanted)), None)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("the schema cannot be used") from error
        if draft is None:
            raise ValueError("the schema is of no draft that is known")
        known = draft.VALIDATORS
        self._counted = [_Counted(name, known[name]) for name in ("$ref", "$dynamicRef") if name in known]
        changed = {"pattern": _nothing, "patternProperties": _nothing, **{each.name: each for each in self._counted}}
        kind: type[Validator] = extend(draft, changed)  # type: ignore[no-untyped-call]
        self._validator = kind(wanted, registry=Registry())

    def fault(self, document: Any) -> str | None:
        """What is wrong with it. Raises ValueError when that cannot be told."""
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        for counted in self._counted:
            counted.left = MAX_REFERENCES
        try:
            found = best_match(self._validator.iter_errors(document))
        except (Unresolvable, RecursionError, _Unbounded) as error:
            raise ValueError("the schema cannot be followed") from error
        return None if found is None else f"{found.json_path}: {found.message}"


def load() -> None:
    """Import what validation needs, for a place where that may take its time."""
    Contract(b"{}").fault({})


def _without_nulls(schema: Any) -> Any:
    """Some clients write `"required": null` where nothing is; only a value may be null."""
    if isinstance(schema, dict):
        kept = {name: each for name, each in schema.items() if each is not None or name in ("const", "default")}
        return {name: _without_nulls(each) for name, each in kept.items()}
    return [_without_nulls(each) for each in schema] if isinstance(schema, list) else schema


def _is_of(draft: "type[Validator]", schema: Any) -> bool:
    from jsonschema import SchemaError

    try:
        draft.check_schema(schema)
    except SchemaError:
        return False
    return True


_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


def _nothing(validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
    return iter(())


class _Counted:
    """A keyword that may be used so many times, and then raises."""

    def __init__(self, name: str, keyword: _Keyword) -> None:
        self.name = name
        self._keyword = keyword
        self.left = MAX_REFERENCES

    def __call__(self, validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
        self.left -= 1
        if self.left < 0:
            raise _Unbounded
        return self._keyword(validator, value, instance, schema)
