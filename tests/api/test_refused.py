"""Errors of the edge and of everything behind it are described alike."""

from cwproxy.api.refused import Refused, describe, draining
from cwproxy.errors import ModelNotFound


def test_an_error_of_the_edge_is_its_own_description() -> None:
    failure = describe(Refused(418, "No coffee.", "teapot"))
    assert (failure.status, failure.code) == (418, "teapot")
    assert failure.message == "No coffee."
    assert dict(failure.headers) == {"x-should-retry": "false"}


def test_other_errors_are_described_by_the_dialect() -> None:
    assert describe(ModelNotFound("No such model.")).code == "model_not_found"


def test_a_draining_server_asks_to_be_asked_again() -> None:
    failure = describe(draining())
    assert (failure.status, failure.code) == (503, "server_shutdown")
    assert dict(failure.headers) == {"connection": "close", "retry-after": "1", "x-should-retry": "true"}
