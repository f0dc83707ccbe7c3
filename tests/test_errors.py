"""The tree in the docstring is the tree of the classes, and errors carry their facts."""

import re

import pytest

from cwproxy import errors

ROW = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)")


def drawn_tree() -> dict[str, str]:
    """Each class of the drawing, except its root, and the class that it hangs from."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        row = ROW.match(line)
        if row is not None:
            depth = len(row["indent"]) // 4
            path[depth:] = [row["name"]]
            if depth:
                parents[row["name"]] = path[depth - 1]
    return parents


CLASSES = {
    name: thing
    for name, thing in vars(errors).items()
    if isinstance(thing, type) and issubclass(thing, Exception) and thing.__module__ == errors.__name__
}
BACKEND_ERRORS = [thing for thing in CLASSES.values() if issubclass(thing, errors.BackendError)]


def test_the_drawing_shows_every_class_under_its_parent() -> None:
    real = {name: thing.__bases__ for name, thing in CLASSES.items() if thing is not errors.CwproxyError}
    assert {name: (CLASSES[parent],) for name, parent in drawn_tree().items()} == real
    assert errors.CwproxyError.__bases__ == (Exception,)


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_says_its_sentence(name: str) -> None:
    error = CLASSES[name]("Something is wrong.")
    assert isinstance(error, errors.CwproxyError)
    assert error.message == str(error) == "Something is wrong."
    assert CLASSES[name].__doc__


def test_an_invalid_request_says_where_and_why() -> None:
    error = errors.InvalidRequest("No.", param="messages[3].content", code="unsupported_value")
    assert (error.param, error.code) == ("messages[3].content", "unsupported_value")
    bare = errors.InvalidRequest("No.")
    assert (bare.param, bare.code) == (None, "invalid_value")


def test_the_two_invalid_requests_that_clients_act_upon() -> None:
    too_long = errors.ContextLengthExceeded("Too long.")
    assert (too_long.param, too_long.code) == ("messages", "context_length_exceeded")
    unknown = errors.ModelNotFound("Which?")
    assert (unknown.param, unknown.code) == ("model", "model_not_found")


@pytest.mark.parametrize("kind", BACKEND_ERRORS)
def test_backend_errors_carry_what_the_service_said(kind: type[errors.BackendError]) -> None:
    error = kind("No.", reason="A_REASON", status=429, retry_after=1.5, request_id="an-id")
    assert (error.reason, error.status, error.retry_after, error.request_id) == ("A_REASON", 429, 1.5, "an-id")
    bare = kind("No.")
    assert (bare.reason, bare.status, bare.retry_after, bare.request_id) == (None, None, None, None)


@pytest.mark.parametrize("kind", [errors.BackendUnavailable, errors.BackendTimeout])
def test_an_unavailable_backend_may_be_asked_again_unless_told_otherwise(
    kind: type[errors.BackendUnavailable],
) -> None:
    assert kind("No.").retry_safe
    assert not kind("No.", retry_safe=False).retry_safe
    assert not kind("No.").replayable
    assert kind("No.", replayable=True).replayable


def test_evidence_is_not_shown() -> None:
    evidence = errors.Evidence("https://canary/", "T", b"canary", 400, {"canary": "canary"}, b"canary")
    assert repr(evidence) == "Evidence(target='T', status=400)"
    assert errors.CwproxyError("x").evidence is None


def test_an_overload_says_when_to_come_back() -> None:
    assert errors.Overloaded("Busy.").retry_after is None
    assert errors.Overloaded("Busy.", retry_after=2.0).retry_after == 2.0
