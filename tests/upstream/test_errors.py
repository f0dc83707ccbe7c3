"""What becomes of each failure of the transport. That the transport raises these is the subject of its own tests."""

import asyncio
import errno

import httpx
import pytest

from cwproxy.errors import BackendTimeout, BackendUnavailable, SettingsError
from cwproxy.upstream.errors import converted
from cwproxy.upstream.transport.faults import Disconnected, Untrusted

HOST = "q.us-east-1.amazonaws.com"


def raised(error: BaseException, cause: BaseException | None = None) -> BackendUnavailable:
    """What comes out when `error` goes in."""
    with pytest.raises(BackendUnavailable) as caught, converted(HOST):
        raise error from cause
    assert caught.value.__cause__ is error
    assert caught.value.status is None
    return caught.value


def test_nothing_happens_without_a_failure() -> None:
    with converted(HOST):
        pass


@pytest.mark.parametrize("error", [httpx.UnsupportedProtocol("ftp"), httpx.InvalidURL("no")])
def test_a_url_that_cannot_be_used_is_a_setting(error: Exception) -> None:
    with pytest.raises(SettingsError, match="not a usable http or https URL: " + HOST), converted(HOST):
        raise error


@pytest.mark.parametrize("error", [httpx.LocalProtocolError("x"), UnicodeError("x")])
def test_a_request_that_cannot_be_written_is_a_setting(error: Exception) -> None:
    with pytest.raises(SettingsError, match="cannot be written: " + type(error).__name__), converted(HOST):
        raise error


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    ours = raised(Untrusted("x"))
    assert ours.reason == "upstream_tls_error"
    assert not ours.retry_safe
    assert "set `ca_bundle`" in ours.message


def test_a_proxy_that_refuses_is_named() -> None:
    ours = raised(httpx.ProxyError("The proxy answered CONNECT with 407"))
    assert (ours.reason, ours.retry_safe) == ("proxy_refused", False)
    assert "`upstream_proxy`" in ours.message and "407" in ours.message


@pytest.mark.parametrize("error", [httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
def test_connecting_takes_too_long(error: Exception) -> None:
    ours = raised(error)
    assert (ours.reason, ours.message) == ("connect_timeout", f"Connecting to {HOST} took too long.")
    assert type(ours) is BackendUnavailable


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_descriptors_run_out(number: int) -> None:
    assert raised(httpx.ConnectError("x"), OSError(number, "x")).reason == "out_of_descriptors"


@pytest.mark.parametrize("cause", [None, OSError(errno.ECONNREFUSED, "x"), OSError(-2, "x")])
def test_nobody_answers(cause: Exception | None) -> None:
    ours = raised(httpx.ConnectError("x"), cause)
    assert (ours.reason, ours.message) == ("connect_failed", f"Cannot connect to {HOST}.")
    assert ours.retry_safe


@pytest.mark.parametrize("error", [TimeoutError(), httpx.ReadTimeout("x"), httpx.WriteTimeout("x")])
def test_silence(error: Exception) -> None:
    ours = raised(error)
    assert isinstance(ours, BackendTimeout)
    assert ours.message == f"{HOST} fell silent."


@pytest.mark.parametrize("reused", [False, True])
def test_only_a_kept_connection_that_was_dead_is_replayed(reused: bool) -> None:
    ours = raised(Disconnected("x", reused=reused))
    assert (ours.reason, ours.replayable) == ("disconnected", reused)


@pytest.mark.parametrize("error", [ConnectionResetError(), httpx.RemoteProtocolError("x"), httpx.ReadError("x")])
def test_anything_else_is_a_broken_connection(error: Exception) -> None:
    ours = raised(error)
    assert (ours.reason, ours.replayable) == ("connection_broken", False)


@pytest.mark.parametrize("error", [ValueError("a defect"), asyncio.CancelledError()])
def test_what_is_no_failure_of_the_transport_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), converted(HOST):
        raise error
