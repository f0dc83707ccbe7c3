"""The one place where the exceptions of httpx (and of aiohttp beneath it) become ours.

`httpx_aiohttp` maps aiohttp's exceptions coarsely (a server that hangs up becomes a connect time-out), so the
cause decides where it is more precise than the wrapper.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx

from cwproxy.errors import BackendTimeout, BackendUnavailable, SettingsError


@contextmanager
def converted(host: str) -> Iterator[None]:
    """Raise `BackendUnavailable`, `BackendTimeout` or `SettingsError` for every failure of the transport to `host`."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise SettingsError(f"The endpoint is not a usable http or https URL: {host}.") from error
    except UnicodeError as error:
        # A name that cannot be a host's, a character that no header may have.
        raise SettingsError(f"A request to {host} cannot be written: {type(error).__name__}.") from error
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        cause = error.__cause__ if isinstance(error, httpx.HTTPError) and error.__cause__ is not None else error
        raise _ours(cause, host) from error


def _ours(cause: BaseException, host: str) -> BackendUnavailable:
    match cause:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return BackendUnavailable(
                f"The TLS certificate of {host} is not trusted here. "
                "Behind a private CA, set `ca_bundle` to its PEM file.",
                reason="upstream_tls_error",
                retry_safe=False,
            )
        case aiohttp.ConnectionTimeoutError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return BackendUnavailable(f"Connecting to {host} took too long.", reason="connect_timeout")
        case aiohttp.ClientConnectorError(os_error=os_error) if os_error.errno in (errno.EMFILE, errno.ENFILE):
            return BackendUnavailable("This machine has no free file descriptors left.", reason="out_of_descriptors")
        case aiohttp.ClientConnectorError() | httpx.ConnectError():
            return BackendUnavailable(f"Cannot connect to {host}.", reason="connect_failed")
        case TimeoutError() | httpx.TimeoutException():
            return BackendTimeout(f"{host} fell silent.")
        case aiohttp.ServerDisconnectedError():
            return BackendUnavailable(f"{host} closed the connection without an answer.", reason="disconnected")
        case _:
            return BackendUnavailable(f"The connection to {host} broke off.", reason="connection_broken")
