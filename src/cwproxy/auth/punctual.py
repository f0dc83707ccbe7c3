"""Requests of boto3 that leave in time or not at all: a refresh token that is sent late can end a login.

A connection may take long (a name server, one address after the other, TLS), and a process may be stopped meanwhile.
So it is looked at the clock when the request is handed to a connection that is open, and again when one has just been
opened: in both cases nothing but the request itself comes next. Imported where boto3 is.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.exceptions import ConnectTimeoutError
from urllib3.exceptions import ConnectTimeoutError as Late

from cwproxy.auth.clock import Limit

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_sso_oidc.client import SSOOIDCClient

T = TypeVar("T")
_until: Final[ContextVar[Limit | None]] = ContextVar("until", default=None)


class _Plain(AWSHTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check(self)


class _Secure(AWSHTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check(self)


class _PlainPool(AWSHTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _Secure


def call(work: Callable[[], T], until: Limit | None) -> T:
    """`work()`, whose clients are punctual: they send until then only, and otherwise raise botocore's
    ConnectTimeoutError.
    """
    token = _until.set(until)
    try:
        return work()
    finally:
        _until.reset(token)


def make_punctual(client: "SSOOIDCClient") -> None:
    """For `call`."""
    # There is no public way to a client's connections; botocore has had these names since 2018.
    session = client._endpoint.http_session  # type: ignore[attr-defined]
    session._pool_classes_by_scheme.update(http=_PlainPool, https=_SecurePool)
    client.meta.events.register("before-send.sso-oidc", _check_before)


def _check_before(request: "AWSPreparedRequest", **_: object) -> None:
    if _is_late():
        raise ConnectTimeoutError(endpoint_url=request.url)


def _check(connection: _Plain | _Secure) -> None:
    if _is_late():
        connection.close()
        raise Late(connection, "the connection was opened too late")


def _is_late() -> bool:
    limit = _until.get()
    return limit is not None and limit.left() <= 0
