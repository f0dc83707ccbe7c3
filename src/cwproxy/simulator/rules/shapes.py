"""Small checkers for JSON values, to be put together into the service's model.

A checker takes a value and its path and returns the first fault, or None. Members that the model does not know are
ignored, and null is the same as absent in a structure or a union (protocol.md 2.9 and Smithy's JSON protocols). Each
checker carries the number of the rule that it stands for.
"""

import base64
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cwproxy.simulator.rules.verdict import SHAPE


@dataclass(frozen=True, slots=True)
class Fault:
    rule: int
    path: str
    problem: str


Checker: TypeAlias = Callable[[Any, str], Fault | None]


def anything(value: Any, path: str) -> Fault | None:
    """A free JSON document."""
    return None


def boolean(value: Any, path: str) -> Fault | None:
    return None if isinstance(value, bool) else Fault(SHAPE, path, "is not a boolean")


def integer(low: int, high: int) -> Checker:
    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return Fault(SHAPE, path, "is not an integer")
        return None if low <= value <= high else Fault(SHAPE, path, f"is not within {low} and {high}")

    return check


def text(low: int = 0, high: int | None = None, *, pattern: str | None = None, rule: int = SHAPE) -> Checker:
    """A string of so many characters (code points) that matches the pattern as a whole."""
    compiled = re.compile(pattern) if pattern is not None else None

    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, str):
            return Fault(rule, path, "is not a string")
        if len(value) < low:
            return Fault(rule, path, f"has fewer than {low} characters")
        if high is not None and len(value) > high:
            return Fault(rule, path, f"has {len(value)} characters, more than {high}")
        if compiled is not None and compiled.fullmatch(value) is None:
            return Fault(rule, path, f"does not match {pattern}")
        return None

    return check


def blob(*, rule: int = SHAPE) -> Checker:
    """Base64 of at least one byte."""

    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, str):
            return Fault(rule, path, "is not a string")
        if not value:
            return Fault(rule, path, "is empty")
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            return Fault(rule, path, "is not base64")
        return None

    return check


def bytes_at_most(high: int, *, rule: int) -> Checker:
    """For values already known to be strings."""

    def check(value: Any, path: str) -> Fault | None:
        size = len(value.encode("utf-8"))
        return None if size <= high else Fault(rule, path, f"has {size} bytes, more than {high}")

    return check


def one_of(*choices: str, rule: int = SHAPE) -> Checker:
    allowed = frozenset(choices)

    def check(value: Any, path: str) -> Fault | None:
        return None if isinstance(value, str) and value in allowed else Fault(rule, path, "is not in the enum")

    return check


def json_object(*, rule: int = SHAPE) -> Checker:
    def check(value: Any, path: str) -> Fault | None:
        return None if isinstance(value, dict) else Fault(rule, path, "is not a JSON object")

    return check


def forbidden(rule: int) -> Checker:
    def check(value: Any, path: str) -> Fault | None:
        return Fault(rule, path, "may not be here")

    return check


def both(*checkers: Checker) -> Checker:
    """All of them, in order; a later one may rely on the earlier ones."""

    def check(value: Any, path: str) -> Fault | None:
        return next((fault for checker in checkers if (fault := checker(value, path)) is not None), None)

    return check


def listing(item: Checker, low: int = 0, high: int | None = None, *, rule: int = SHAPE) -> Checker:
    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, list):
            return Fault(rule, path, "is not a list")
        if len(value) < low or (high is not None and len(value) > high):
            return Fault(rule, path, f"has {len(value)} items")
        faults = (item(member, f"{path}[{index}]") for index, member in enumerate(value))
        return next((fault for fault in faults if fault is not None), None)

    return check


def structure(
    members: Mapping[str, Checker],
    *,
    required: Collection[str] = (),
    documents: Collection[str] = (),
    rule: int = SHAPE,
) -> Checker:
    """documents: members of Smithy's document type. They are required as well, and null is one of their values."""

    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, dict):
            return Fault(rule, path, "is not a JSON object")
        for name, checker in members.items():
            member = value.get(name)
            if name in documents and name not in value:
                return Fault(rule, f"{path}.{name}", "is missing")
            if member is None and name not in documents:
                if name in required:
                    return Fault(rule, f"{path}.{name}", "is missing")
            elif (fault := checker(member, f"{path}.{name}")) is not None:
                return fault
        return None

    return check


def union(arms: Mapping[str, Checker], *, rule: int = SHAPE) -> Checker:
    """An object with exactly one of the arms."""

    def check(value: Any, path: str) -> Fault | None:
        if not isinstance(value, dict):
            return Fault(rule, path, "is not a JSON object")
        present = [name for name in arms if value.get(name) is not None]
        if len(present) != 1:
            return Fault(rule, path, f"must have exactly one of {', '.join(arms)}")
        return arms[present[0]](value[present[0]], f"{path}.{present[0]}")

    return check
