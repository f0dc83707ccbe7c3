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
        wanted = msgspec.json.decode(schema)
        return _first_error(document, wanted)
    except (msgspec.DecodeError, RecursionError, _Unbounded):
        return None


def _first_error(document: Any, schema: Any) -> str | None:
    # Imported when first needed: it takes longer than all the rest of a request.
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import best_match
    from jsonschema.protocols import Validator
    from jsonschema.validators import extend
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    known = Draft202012Validator.VALIDATORS
    counted = {keyword: _Counted(known[keyword]) for keyword in ("$ref", "$dynamicRef")}
    changed = {"pattern": _nothing, "patternProperties": _nothing, **counted}
    try:
        Draft202012Validator.check_schema(schema)
        kind: type[Validator] = extend(Draft202012Validator, changed)  # type: ignore[no-untyped-call]
        validator = kind(schema, registry=Registry())
        found = best_match(validator.iter_errors(document))
    except (SchemaError, Unresolvable):
        return None
    return None if found is None else f"{found.json_path}: {found.message}"


_Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


def _nothing(validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
    return iter(())


class _Counted:
    """A keyword that may be used so many times, and then raises."""

    def __init__(self, keyword: _Keyword) -> None:
        self._keyword = keyword
        self._left = MAX_REFERENCES

    def __call__(self, validator: Any, value: Any, instance: Any, schema: Any, /) -> Iterator[Any]:
        self._left -= 1
        if self._left < 0:
            raise _Unbounded
        return self._keyword(validator, value, instance, schema)
