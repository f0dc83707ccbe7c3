"""What becomes of each failure of the transport. That httpx and aiohttp raise these is the subject of test_client."""

import asyncio
import errno
import ssl

import aiohttp
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey

from cwproxy.errors import BackendTimeout, BackendUnavailable, SettingsError
from cwproxy.upstream.errors import converted

HOST = "q.us-east-1.amazonaws.com"
KEY = ConnectionKey(HOST, 443, True, True, None, None, None)


def raised(error: BaseException, wrapper: httpx.HTTPError | None = None) -> BackendUnavailable:
    """What comes out when `error` goes in, by itself or as the cause of httpx's."""
    with pytest.raises(BackendUnavailable) as caught, converted(HOST):
        if wrapper is None:
            raise error
        raise wrapper from error
    assert caught.value.__cause__ is (wrapper or error)
    assert caught.value.status is None
    return caught.value


def test_nothing_happens_without_a_failure() -> None:
    with converted(HOST):
        pass


@pytest.mark.parametrize("error", [httpx.UnsupportedProtocol("ftp"), httpx.InvalidURL("no")])
def test_a_url_that_cannot_be_used_is_a_setting(error: Exception) -> None:
    with pytest.raises(SettingsError, match="not a usable http or https URL: " + HOST), converted(HOST):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")),
        aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("wrong version")),
    ],
)
def test_a_certificate_that_is_not_trusted_is_not_tried_again(error: Exception) -> None:
    ours = raised(error, httpx.ConnectError("x"))
    assert ours.reason == "upstream_tls_error"
    assert not ours.retry_safe
    assert "set `ca_bundle`" in ours.message


@pytest.mark.parametrize("error", [aiohttp.ConnectionTimeoutError(), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
def test_connecting_takes_too_long(error: Exception) -> None:
    ours = raised(error)
    assert (ours.reason, ours.message) == ("connect_timeout", f"Connecting to {HOST} took too long.")
    assert type(ours) is BackendUnavailable


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_descriptors_run_out(number: int) -> None:
    assert raised(aiohttp.ClientConnectorError(KEY, OSError(number, "x"))).reason == "out_of_descriptors"


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "x")),
        aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "x")),
        httpx.ConnectError("x"),
    ],
)
def test_nobody_answers(error: Exception) -> None:
    ours = raised(error)
    assert (ours.reason, ours.message) == ("connect_failed", f"Cannot connect to {HOST}.")
    assert ours.retry_safe


@pytest.mark.parametrize("error", [TimeoutError(), aiohttp.SocketTimeoutError(), httpx.ReadTimeout("x")])
def test_silence(error: Exception) -> None:
    ours = raised(error)
    assert isinstance(ours, BackendTimeout)
    assert ours.message == f"{HOST} fell silent."


@pytest.mark.parametrize("wrapper", [None, httpx.ReadError("x"), httpx.ConnectTimeout("x")])
def test_the_cause_decides_where_the_wrapper_is_coarser(wrapper: httpx.HTTPError | None) -> None:
    assert raised(aiohttp.ServerDisconnectedError(), wrapper).reason == "disconnected"


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientPayloadError("cut"),
        aiohttp.ClientOSError(errno.ECONNRESET, "reset"),
        ConnectionResetError(),
        httpx.RemoteProtocolError("x"),
        httpx.ReadError("x"),
    ],
)
def test_anything_else_is_a_broken_connection(error: Exception) -> None:
    assert raised(error).reason == "connection_broken"


@pytest.mark.parametrize("error", [ValueError("a defect"), asyncio.CancelledError()])
def test_what_is_no_failure_of_the_transport_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), converted(HOST):
        raise error
