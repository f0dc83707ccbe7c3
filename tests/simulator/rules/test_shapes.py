from typing import Any

import pytest

from cwproxy.simulator.rules.shapes import (
    Checker,
    anything,
    blob,
    boolean,
    integer,
    listing,
    one_of,
    structure,
    text,
    union,
)

pair = structure({"left": text(), "right": text(1)}, required=("left",), rule=7)
free = structure({"value": anything}, documents=("value",))


@pytest.mark.parametrize(
    ("checker", "value"),
    [
        (boolean, False),
        (integer(0, 3), 3),
        (text(1, 2, pattern="a+"), "aa"),
        (listing(text(), 1, 2), ["a"]),
        (one_of("a", "b"), "b"),
        (pair, {"left": "a", "right": None, "more": 1}),
        (union({"a": text(), "b": text()}), {"a": None, "b": ""}),
        (free, {"value": None}),
        (blob(), "aGk="),
    ],
)
def test_what_fits_has_no_fault(checker: Checker, value: Any) -> None:
    assert checker(value, "$") is None


@pytest.mark.parametrize(
    ("checker", "value", "path", "problem"),
    [
        (boolean, 0, "$", "is not a boolean"),
        (integer(0, 3), True, "$", "is not an integer"),
        (integer(0, 3), 4, "$", "is not within 0 and 3"),
        (text(1), "", "$", "has fewer than 1 characters"),
        (text(0, 1), "ab", "$", "has 2 characters, more than 1"),
        (text(pattern="a"), "ab", "$", "does not match a"),
        (listing(text()), {}, "$", "is not a list"),
        (listing(text(), 1), [], "$", "has 0 items"),
        (listing(text(), 0, 1), ["a", "b"], "$", "has 2 items"),
        (listing(text()), ["a", None], "$[1]", "is not a string"),
        (one_of("a"), ["a"], "$", "is not in the enum"),
        (free, {}, "$.value", "is missing"),
        (blob(), 1, "$", "is not a string"),
        (blob(), "", "$", "is empty"),
        (blob(), "aGk", "$", "is not base64"),
        (pair, [], "$", "is not a JSON object"),
        (pair, {}, "$.left", "is missing"),
        (pair, {"left": "", "right": ""}, "$.right", "has fewer than 1 characters"),
        (union({"a": text()}), "a", "$", "is not a JSON object"),
        (union({"a": text(), "b": text()}), {}, "$", "must have exactly one of a, b"),
        (union({"a": text(), "b": text()}), {"a": "", "b": ""}, "$", "must have exactly one of a, b"),
        (union({"a": text()}), {"a": 1}, "$.a", "is not a string"),
    ],
)
def test_a_fault_says_where_and_what(checker: Checker, value: Any, path: str, problem: str) -> None:
    fault = checker(value, "$")
    assert fault is not None
    assert (fault.path, fault.problem) == (path, problem)
