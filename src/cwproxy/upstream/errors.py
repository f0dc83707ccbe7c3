"""The one place where the exceptions of httpx, and of the transport beneath it, become ours."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from cwproxy.errors import BackendTimeout, BackendUnavailable, SettingsError
from cwproxy.upstream.transport.faults import Disconnected, Untrusted


@contextmanager
def converted(host: str) -> Iterator[None]:
    """Raise `BackendUnavailable`, `BackendTimeout` or `SettingsError` for every failure of the transport to `host`."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise SettingsError(f"The endpoint is not a usable http or https URL: {host}.") from error
    except (UnicodeError, httpx.LocalProtocolError) as error:
        # A name that cannot be a host's, a character that no header may have.
        raise SettingsError(f"A request to {host} cannot be written: {type(error).__name__}.") from error
    except (httpx.HTTPError, OSError) as error:
        raise _ours(error, host) from error


def _ours(error: Exception, host: str) -> BackendUnavailable:
    match error:
        case Untrusted():
            return BackendUnavailable(
                f"The TLS certificate of {host} is not trusted here. "
                "Behind a private CA, set `ca_bundle` to its PEM file.",
                reason="upstream_tls_error",
                retry_safe=False,
            )
        case httpx.ProxyError():
            return BackendUnavailable(
                f"`upstream_proxy` gives no way to {host}: {error}.", reason="proxy_refused", retry_safe=False
            )
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return BackendUnavailable(f"Connecting to {host} took too long.", reason="connect_timeout")
        case httpx.ConnectError(__cause__=OSError(errno=errno.EMFILE | errno.ENFILE)):
            return BackendUnavailable("This machine has no free file descriptors left.", reason="out_of_descriptors")
        case httpx.ConnectError():
            return BackendUnavailable(f"Cannot connect to {host}.", reason="connect_failed")
        case httpx.TimeoutException() | TimeoutError():
            return BackendTimeout(f"{host} fell silent.")
        case Disconnected(reused=reused):
            return BackendUnavailable(
                f"{host} closed the connection without an answer.", reason="disconnected", replayable=reused
            )
        case _:
            return BackendUnavailable(f"The connection to {host} broke off.", reason="connection_broken")
