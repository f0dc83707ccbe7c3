"""Both are httpx's own kinds of failure, so that whoever knows httpx can catch them."""

import httpx

from cwproxy.upstream.transport.faults import Disconnected, Untrusted


def test_they_are_failures_of_the_transport() -> None:
    assert isinstance(Disconnected("x", reused=True), httpx.TransportError)
    assert Disconnected("x", reused=True).reused
    assert isinstance(Untrusted("x"), httpx.ConnectError)
