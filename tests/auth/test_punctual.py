"""Through the client that is punctual, `Oidc`."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.support.oidc_server import OidcServer, oidc_server
from tests.support.raw_server import raw_server

from cwproxy.auth.clock import Clock, Limit
from cwproxy.auth.grants import ClientRegistration, Grant, Reason, Refusal
from cwproxy.auth.oidc import Oidc

pytestmark = pytest.mark.anyio

REGISTRATION = ClientRegistration("client-0", "canary-client-secret", 0.0, "us-east-1", ())


@pytest.fixture
def server() -> Iterator[OidcServer]:
    with oidc_server() as server:
        yield server


def limit_after(looks: int) -> Limit:
    """One that has passed when it has been looked at so often."""
    seen = 0

    def monotonic() -> float:
        nonlocal seen
        seen += 1
        return 0.0 if seen <= looks + 1 else 100.0

    return Clock(monotonic=monotonic).limit(10.0)


def assert_not_sent(answer: Grant | Refusal) -> None:
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.ambiguous) == (Reason.UNAVAILABLE, False)


async def test_what_is_in_time_is_sent(server: OidcServer) -> None:
    oidc = Oidc("us-east-1", endpoint=server.url)
    assert isinstance(await oidc.refresh(REGISTRATION, "refresh-0", until=limit_after(2)), Grant)
    await oidc.aclose()


@pytest.mark.parametrize("looks", [0, 1])
async def test_nothing_is_sent_when_it_got_late_before_there_was_a_connection(server: OidcServer, looks: int) -> None:
    oidc = Oidc("us-east-1", endpoint=server.url)
    assert_not_sent(await oidc.refresh(REGISTRATION, "refresh-0", until=limit_after(looks)))
    assert server.refreshes == 0
    assert isinstance(await oidc.refresh(REGISTRATION, "refresh-0"), Grant), "that was for one call"
    await oidc.aclose()


async def test_nothing_is_sent_late_over_an_open_connection(server: OidcServer) -> None:
    oidc = Oidc("us-east-1", endpoint=server.url)
    await oidc.refresh(REGISTRATION, "refresh-0")
    assert_not_sent(await oidc.refresh(REGISTRATION, "canary-refresh-1", until=limit_after(0)))
    assert server.refreshes == 1
    await oidc.aclose()


async def test_nothing_is_sent_when_tls_took_too_long(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(hang_up, tls=context) as server:
        oidc = Oidc("us-east-1", endpoint=server.url, ca_bundle=str(tmp_path / "ca.pem"))
        assert_not_sent(await oidc.refresh(REGISTRATION, "r", until=limit_after(1)))
        answer = await oidc.refresh(REGISTRATION, "r", until=limit_after(2))
        assert isinstance(answer, Refusal) and answer.ambiguous
        assert len(server.requests) == 1
        await oidc.aclose()
