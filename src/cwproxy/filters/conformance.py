"""Whether an answer is the JSON that was asked for.

The schema is the client's own and the document the model's, so neither is trusted: nothing is fetched for a `$ref`,
regular expressions are not run, and references are followed a bounded number of times.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

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
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.protocols import Validator
        from jsonschema.validators import extend
        from referencing import Registry

        known = Draft202012Validator.VALIDATORS
        self._counted = [(keyword, _Counted(known[keyword])) for keyword in ("$ref", "$dynamicRef")]
        changed = {"pattern": _nothing, "patternProperties": _nothing, **dict(self._counted)}
        try:
            wanted = msgspec.json.decode(schema)
            Draft202012Validator.check_schema(wanted)
        except (SchemaError, msgspec.DecodeError, RecursionError) as error:
            raise ValueError("the schema cannot be used") from error
        kind: type[Validator] = extend(Draft202012Validator, changed)  # type: ignore[no-untyped-call]
        self._validator = kind(wanted, registry=Registry())

    def fault(self, document: Any) -> str | None:
        """What is wrong with it. Raises ValueError when that cannot be told."""
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        for _, counted in self._counted:
            counted.left = MAX_REFERENCES
        try:
            found = best_match(self._validator.iter_errors(document))
        except (Unresolvable, RecursionError, _Unbounded) as error:
            raise ValueError("the schema cannot be followed") from error
        return None if found is None else f"{found.json_path}: {found.message}"


def load() -> None:
    """Import what validation needs, for a place where that may take its time."""
    Contract(b"{}").fault({})


_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


def _nothing(validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
    return iter(())


class _Counted:
    """A keyword that may be used so many times, and then raises."""

    def __init__(self, keyword: _Keyword) -> None:
        self._keyword = keyword
        self.left = MAX_REFERENCES

    def __call__(self, validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
        self.left -= 1
        if self.left < 0:
            raise _Unbounded
        return self._keyword(validator, value, instance, schema)
